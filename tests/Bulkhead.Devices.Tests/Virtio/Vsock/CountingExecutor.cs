using Bulkhead.Devices.Executors;

namespace Bulkhead.Devices.Tests.Virtio.Vsock;

/// <summary>Works at once, unless it is held, and counts how often it was rung.</summary>
internal sealed class CountingExecutor : IDeviceExecutor
{
    private readonly ImmediateExecutor _inner = new();

    public int Rings { get; private set; }

    /// <summary>Whether the work waits, as while its domain is held.</summary>
    public bool Holds { get; set; }

    public void Start(Action work, Action<Exception> failed) => _inner.Start(work, failed);

    public void Ring()
    {
        Rings++;
        if (!Holds)
        {
            _inner.Ring();
        }
    }

    public bool Linger(Func<bool> more) => _inner.Linger(more);

    public void RingAt(long timeNs) => _inner.RingAt(timeNs);

    public void Dispose() => _inner.Dispose();
}
