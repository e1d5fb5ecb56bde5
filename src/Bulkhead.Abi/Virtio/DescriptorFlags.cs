namespace Bulkhead.Abi.Virtio;

/// <summary>Flags of a descriptor.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 2.7.5 The Virtqueue Descriptor Table; 2.8.1 Driver and Device Ring Wrap Counters.</remarks>
[Flags]
public enum DescriptorFlags : ushort
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Another descriptor follows.</summary>
    Next = 1,

    /// <summary>The device writes there; else it reads.</summary>
    Write = 2,

    /// <summary>It holds a table of descriptors.</summary>
    Indirect = 4,

    /// <summary>Packed rings: with the other, whose turn it is.</summary>
    Available = 1 << 7,

    /// <summary>Packed rings: with the other, whose turn it is.</summary>
    Used = 1 << 15,
}
