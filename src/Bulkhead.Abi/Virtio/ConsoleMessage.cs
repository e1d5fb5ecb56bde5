namespace Bulkhead.Abi.Virtio;

/// <summary>Where things stand in what one side of a console tells the other.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.3.6.2 Multiport Device Operation.</remarks>
public static class ConsoleMessage
{
    /// <summary>The event.</summary>
    public const int Event = 4;

    /// <summary>Its value.</summary>
    public const int Value = 6;

    /// <summary>All of it, without what follows a name or a size.</summary>
    public const int Bytes = 8;
}
