namespace Bulkhead.Devices.Virtio;

/// <summary>A transport's way to interrupt the driver.</summary>
/// <remarks><i>Threading</i>: any.</remarks>
internal interface IVirtioInterrupts
{
    /// <summary>A queue has something for the driver.</summary>
    void RaiseQueue(ushort vector);

    /// <summary>The configuration changed, or the device needs a reset.</summary>
    void RaiseConfig(ushort vector);

    /// <summary>A reset: nothing waits any more.</summary>
    void Clear();
}
