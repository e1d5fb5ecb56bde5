using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>Does the work on a thread of its own, so that no vCPU waits for the host's storage.</summary>
public sealed class ThreadExecutor : IDeviceExecutor
{
    private readonly WakeWord _bell = new();
    private readonly DeviceThread _thread;

    /// <summary>A thread by this name, which Linux shows the first 15 characters of.</summary>
    public ThreadExecutor(string name) => _thread = new DeviceThread(name, () => _bell.Wait(long.MaxValue), _bell.Ring);

    /// <inheritdoc/>
    public void Start(Action work, Action<Exception> failed) => _thread.Start(work, failed);

    /// <inheritdoc/>
    public void Ring() => _bell.Ring();

    /// <inheritdoc/>
    public void Dispose() => _thread.End();
}
