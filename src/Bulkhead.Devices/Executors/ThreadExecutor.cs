using System.Diagnostics;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>Does the work on a thread of its own, so that no vCPU waits for the host's storage.</summary>
public sealed class ThreadExecutor : IDeviceExecutor
{
    private readonly WakeWord _bell = new();
    private readonly DeviceThread _thread;
    private readonly Lingering? _lingering;
    private bool _pays;
    private long _untilNs = long.MaxValue;

    /// <summary>A thread by this name, which Linux shows the first 15 characters of.</summary>
    /// <param name="name">The name.</param>
    /// <param name="lingering">How it looks for more to do before it sleeps; null: it does not.</param>
    /// <param name="helpers">How many threads by the same name may work beside it.</param>
    public ThreadExecutor(string name, Lingering? lingering = null, int helpers = 0)
    {
        Helpers = [.. Enumerable.Range(0, helpers).Select(_ => new ThreadExecutor(name))];
        _thread = new DeviceThread(name, Wait, _bell.Ring);
        _lingering = lingering;
    }

    /// <inheritdoc/>
    public IReadOnlyList<IDeviceExecutor> Helpers { get; }

    /// <inheritdoc/>
    public void Start(Action work, Action<Exception> failed) => _thread.Start(work, failed);

    /// <inheritdoc/>
    public void Ring() => _bell.Ring();

    /// <inheritdoc/>
    public bool Linger(Func<bool> more)
    {
        ArgumentNullException.ThrowIfNull(more);
        if (!_pays || _lingering is not { IsAllowedHere: true } lingering)
        {
            return false;
        }

        for (long until = Stopwatch.GetTimestamp() + lingering.ForNs; Stopwatch.GetTimestamp() < until; Thread.SpinWait(10))
        {
            if (_bell.IsRung || more())
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public void RingAt(long timeNs) => _untilNs = timeNs;

    /// <inheritdoc/>
    public void Dispose()
    {
        _thread.End();
        foreach (IDeviceExecutor helper in Helpers)
        {
            helper.Dispose();
        }
    }

    // Where it slept for so short a time, it would have lost less by looking.
    private void Wait()
    {
        long begun = Stopwatch.GetTimestamp();
        _bell.Wait(_untilNs);
        _untilNs = long.MaxValue;
        _pays = Stopwatch.GetTimestamp() - begun <= 2 * _lingering?.ForNs;
    }
}
