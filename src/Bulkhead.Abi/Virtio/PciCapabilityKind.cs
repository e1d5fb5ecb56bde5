namespace Bulkhead.Abi.Virtio;

/// <summary>What a vendor-specific PCI capability of a virtio device leads to.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 4.1.4 Virtio Structure PCI Capabilities.</remarks>
public enum PciCapabilityKind : byte
{
    /// <summary>The common configuration.</summary>
    Common = 1,

    /// <summary>Notifications.</summary>
    Notify = 2,

    /// <summary>The interrupt status.</summary>
    Isr = 3,

    /// <summary>The device's own configuration.</summary>
    Device = 4,

    /// <summary>A way to all of these by configuration space alone.</summary>
    PciAccess = 5,
}
