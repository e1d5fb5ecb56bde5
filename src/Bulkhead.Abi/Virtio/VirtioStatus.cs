namespace Bulkhead.Abi.Virtio;

/// <summary>How far a driver has come with its device.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 2.1 Device Status Field.</remarks>
[Flags]
public enum VirtioStatus : byte
{
    /// <summary>Reset.</summary>
    None = 0,

    /// <summary>The device was noticed.</summary>
    Acknowledge = 1,

    /// <summary>There is a driver for it.</summary>
    Driver = 2,

    /// <summary>The driver is ready.</summary>
    DriverOk = 4,

    /// <summary>The features the driver chose are accepted.</summary>
    FeaturesOk = 8,

    /// <summary>Device: it met an error that only a reset ends.</summary>
    DeviceNeedsReset = 64,

    /// <summary>The driver has given up.</summary>
    Failed = 128,
}
