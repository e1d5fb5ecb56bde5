namespace Bulkhead.Abi.Virtio;

/// <summary>Feature bits of every device: those of rings and of the transport.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 6 Reserved Feature Bits.</remarks>
public static class VirtioFeatures
{
    /// <summary>A descriptor may lead to a table of descriptors.</summary>
    public const ulong IndirectDescriptors = 1ul << 28;

    /// <summary>Each side says at which index it wants to hear of the other.</summary>
    public const ulong EventIndex = 1ul << 29;

    /// <summary>The device obeys version 1 of the specification.</summary>
    public const ulong Version1 = 1ul << 32;

    /// <summary>Packed instead of split rings.</summary>
    public const ulong PackedRing = 1ul << 34;

    /// <summary>The device uses buffers in the order in which they were made available.</summary>
    public const ulong InOrder = 1ul << 35;

    /// <summary>The memory between driver and device may be ordered more weakly than between processors.</summary>
    public const ulong OrderPlatform = 1ul << 36;

    /// <summary>A queue can be reset by itself.</summary>
    public const ulong RingReset = 1ul << 40;
}
