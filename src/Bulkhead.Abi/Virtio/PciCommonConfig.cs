namespace Bulkhead.Abi.Virtio;

/// <summary>Where the registers of the common configuration stand.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 4.1.4.3 Common configuration structure layout.</remarks>
public static class PciCommonConfig
{
    /// <summary>Which half of the device's features is read, 4 bytes.</summary>
    public const int DeviceFeatureSelect = 0x00;

    /// <summary>The device's features, 4 bytes.</summary>
    public const int DeviceFeature = 0x04;

    /// <summary>Which half of the driver's features is written, 4 bytes.</summary>
    public const int DriverFeatureSelect = 0x08;

    /// <summary>The driver's features, 4 bytes.</summary>
    public const int DriverFeature = 0x0C;

    /// <summary>The MSI-X vector of configuration changes, 2 bytes.</summary>
    public const int ConfigVector = 0x10;

    /// <summary>How many queues there are, 2 bytes.</summary>
    public const int QueueCount = 0x12;

    /// <summary>The device status, 1 byte.</summary>
    public const int DeviceStatus = 0x14;

    /// <summary>Changes with the device's configuration, 1 byte.</summary>
    public const int ConfigGeneration = 0x15;

    /// <summary>Which queue the registers below are of, 2 bytes.</summary>
    public const int QueueSelect = 0x16;

    /// <summary>How many descriptors it has, 2 bytes.</summary>
    public const int QueueSize = 0x18;

    /// <summary>Its MSI-X vector, 2 bytes.</summary>
    public const int QueueVector = 0x1A;

    /// <summary>Whether it is on, 2 bytes.</summary>
    public const int QueueEnable = 0x1C;

    /// <summary>Where it is notified, in units of the multiplier, 2 bytes.</summary>
    public const int QueueNotifyOffset = 0x1E;

    /// <summary>Its descriptors' address, 8 bytes.</summary>
    public const int QueueDescriptors = 0x20;

    /// <summary>The address of what the driver writes, 8 bytes.</summary>
    public const int QueueDriver = 0x28;

    /// <summary>The address of what the device writes, 8 bytes.</summary>
    public const int QueueDevice = 0x30;

    /// <summary>What is written to notify, 2 bytes.</summary>
    public const int QueueNotifyData = 0x38;

    /// <summary>Resets a queue, 2 bytes.</summary>
    public const int QueueReset = 0x3A;

    /// <summary>All of it, in bytes.</summary>
    public const int Size = 0x3C;

    /// <summary>No MSI-X vector.</summary>
    public const ushort NoVector = 0xFFFF;
}
