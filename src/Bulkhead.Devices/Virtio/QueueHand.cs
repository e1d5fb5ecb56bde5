using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>One of those that serve a queue, and the buffer it has in hand.</summary>
/// <param name="executor">Where it works; the lane's creator disposes it.</param>
/// <remarks><i>Threading</i>: under its lane's lock.</remarks>
internal sealed class QueueHand(IDeviceExecutor executor)
{
    internal IDeviceExecutor Executor => executor;

    /// <summary>The buffer; on the executor.</summary>
    internal DescriptorChain? Chain { get; set; }

    /// <summary>Whether it has a buffer, or was called to take one.</summary>
    internal bool IsBusy { get; set; }
}
