namespace Bulkhead.Abi.Virtio;

/// <summary>Where the registers of a device in a memory window stand, four bytes each.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 4.2.2 MMIO Device Register Layout.</remarks>
public static class MmioRegisters
{
    /// <summary>"virt".</summary>
    public const int Magic = 0x000;

    /// <summary>The version of this layout.</summary>
    public const int Version = 0x004;

    /// <summary>What the device is.</summary>
    public const int Device = 0x008;

    /// <summary>Who made it.</summary>
    public const int Vendor = 0x00C;

    /// <summary>Half of the device's features.</summary>
    public const int DeviceFeatures = 0x010;

    /// <summary>Which half that is.</summary>
    public const int DeviceFeatureSelect = 0x014;

    /// <summary>Half of the driver's features.</summary>
    public const int DriverFeatures = 0x020;

    /// <summary>Which half that is.</summary>
    public const int DriverFeatureSelect = 0x024;

    /// <summary>Which queue the registers of queues are of.</summary>
    public const int QueueSelect = 0x030;

    /// <summary>The most descriptors it can have; 0: there is no such queue.</summary>
    public const int QueueMaximum = 0x034;

    /// <summary>How many it has.</summary>
    public const int QueueSize = 0x038;

    /// <summary>Whether it is on.</summary>
    public const int QueueReady = 0x044;

    /// <summary>The number of a queue that has buffers.</summary>
    public const int QueueNotify = 0x050;

    /// <summary>Why the device interrupts.</summary>
    public const int InterruptStatus = 0x060;

    /// <summary>What of that was seen.</summary>
    public const int InterruptAcknowledge = 0x064;

    /// <summary>The device status.</summary>
    public const int Status = 0x070;

    /// <summary>The descriptors' address, 8 bytes.</summary>
    public const int QueueDescriptors = 0x080;

    /// <summary>The address of what the driver writes, 8 bytes.</summary>
    public const int QueueDriver = 0x090;

    /// <summary>The address of what the device writes, 8 bytes.</summary>
    public const int QueueDevice = 0x0A0;

    /// <summary>The first of four registers of a shared region: length, then address, 8 bytes each; all ones where there is none.</summary>
    public const int SharedMemory = 0x0B0;

    /// <summary>Resets a queue.</summary>
    public const int QueueReset = 0x0C0;

    /// <summary>Changes with the device's configuration.</summary>
    public const int ConfigGeneration = 0x0FC;

    /// <summary>Where the device's configuration begins.</summary>
    public const int Config = 0x100;

    /// <summary>All of it, in bytes.</summary>
    public const int Size = 0x1000;
}
