using System.Runtime.InteropServices;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>Does the work on a thread of its own, also whenever a file descriptor has something for it.</summary>
public sealed class PollExecutor : IDeviceExecutor
{
    private readonly PollBell _bell = new();
    private readonly DeviceThread _thread;
    private readonly SafeHandle _handle;
    private long _untilNs = long.MaxValue;

    /// <summary>A thread by this name that watches a descriptor, which the caller keeps longer.</summary>
    public PollExecutor(string name, SafeHandle handle)
    {
        _handle = handle;
        _thread = new DeviceThread(name, Wait, _bell.Ring);
    }

    /// <summary>What the descriptor is watched for until the work was done again. On its thread.</summary>
    public PollEvents Interest { get; set; }

    /// <inheritdoc/>
    public void Start(Action work, Action<Exception> failed) => _thread.Start(work, e =>
    {
        Interest = PollEvents.None;
        failed(e);
    });

    /// <inheritdoc/>
    public void Ring() => _bell.Ring();

    /// <inheritdoc/>
    public bool Linger(Func<bool> more) => false;

    /// <inheritdoc/>
    public void RingAt(long timeNs) => _untilNs = timeNs;

    /// <inheritdoc/>
    public void Dispose()
    {
        _thread.End();
        _bell.Dispose();
    }

    private void Wait()
    {
        _bell.Wait(_handle, Interest, _untilNs);
        _untilNs = long.MaxValue;
    }
}
