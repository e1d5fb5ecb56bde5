namespace Bulkhead.Abi.Virtio;

/// <summary>Feature bits of a console.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.3.3 Feature bits.</remarks>
public static class ConsoleFeatures
{
    /// <summary>The configuration tells how large the console is.</summary>
    public const ulong Size = 1ul << 0;

    /// <summary>There are several ports, and queues to speak of them.</summary>
    public const ulong MultiplePorts = 1ul << 1;
}
