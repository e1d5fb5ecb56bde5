using Bulkhead.Devices.Executors;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>Works at once, and something happens while it looks for more.</summary>
internal sealed class LingeringExecutor : IDeviceExecutor
{
    private readonly ImmediateExecutor _inner = new();

    /// <summary>What happens, once.</summary>
    public Action? Meanwhile { get; set; }

    public void Start(Action work, Action<Exception> failed) => _inner.Start(work, failed);

    public void Ring() => _inner.Ring();

    public bool Linger(Func<bool> more)
    {
        (Action? happens, Meanwhile) = (Meanwhile, null);
        happens?.Invoke();
        return more();
    }

    public void RingAt(long timeNs) => _inner.RingAt(timeNs);

    public void Dispose() => _inner.Dispose();
}
