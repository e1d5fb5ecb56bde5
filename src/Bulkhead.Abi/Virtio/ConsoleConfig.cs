namespace Bulkhead.Abi.Virtio;

/// <summary>The configuration of a console: columns u16, rows u16, how many ports there are u32, a register to write in emergencies u32.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.3.4 Device configuration layout.</remarks>
public static class ConsoleConfig
{
    /// <summary>How many rows there are.</summary>
    public const int Rows = 2;

    /// <summary>How many ports there are.</summary>
    public const int Ports = 4;

    /// <summary>All of it.</summary>
    public const int Size = 12;
}
