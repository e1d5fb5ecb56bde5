using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>The lanes of a device that serves each of its queues by itself: they start and stop together.</summary>
/// <remarks><i>Threading</i>: the transport's lock; <c>serve</c> is called on the executors.</remarks>
internal sealed class QueueLanes
{
    private readonly QueueLane[] _lanes;
    private int _running;

    /// <summary>A lane for each executor, which the caller disposes.</summary>
    /// <param name="executors">Where each queue is served.</param>
    /// <param name="serve">As of <see cref="QueueLane"/>.</param>
    /// <param name="tryBegin">As of <see cref="QueueLane"/>.</param>
    /// <param name="takesLong">As of <see cref="QueueLane"/>.</param>
    internal QueueLanes(
        IReadOnlyList<IDeviceExecutor> executors, Func<VirtioSession, DescriptorChain, long> serve, QueueLane.TryBegin? tryBegin = null, Func<DescriptorChain, bool>? takesLong = null) =>
        _lanes = [.. executors.Select((executor, queue) => new QueueLane(executor, queue, serve, tryBegin, takesLong))];

    /// <summary>Lanes that serve differently.</summary>
    internal QueueLanes(params (IDeviceExecutor Executor, Func<VirtioSession, DescriptorChain, long> Serve)[] lanes) =>
        _lanes = [.. lanes.Select(static (lane, queue) => new QueueLane(lane.Executor, queue, lane.Serve))];

    /// <summary>How many there are.</summary>
    internal int Count => _lanes.Length;

    internal void Start(VirtioSession session)
    {
        foreach (QueueLane lane in _lanes)
        {
            lane.Start(session);
        }
    }

    internal void Ring(int queue) => _lanes[queue].Ring();

    internal void Stop(Action stopped)
    {
        _running = _lanes.Length;
        foreach (QueueLane lane in _lanes)
        {
            lane.Stop(() =>
            {
                if (Interlocked.Decrement(ref _running) == 0)
                {
                    stopped();
                }
            });
        }
    }
}
