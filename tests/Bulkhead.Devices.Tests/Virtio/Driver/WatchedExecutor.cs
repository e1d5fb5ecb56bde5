using System.Collections.Concurrent;
using Bulkhead.Devices.Executors;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>An executor that keeps what the work threw.</summary>
internal sealed class WatchedExecutor(IDeviceExecutor inner, ConcurrentQueue<Exception> thrown) : IDeviceExecutor
{
    public IReadOnlyList<IDeviceExecutor> Helpers { get; } = [.. inner.Helpers.Select(helper => new WatchedExecutor(helper, thrown))];

    public void Start(Action work, Action<Exception> failed) => inner.Start(work, e =>
    {
        thrown.Enqueue(e);
        failed(e);
    });

    public void Ring() => inner.Ring();

    public bool Linger(Func<bool> more) => inner.Linger(more);

    public void RingAt(long timeNs) => inner.RingAt(timeNs);

    public void Dispose() => inner.Dispose();
}
