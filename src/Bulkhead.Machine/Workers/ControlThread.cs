using System.Collections.Concurrent;
using Bulkhead.Host.Threads;

namespace Bulkhead.Machine.Workers;

/// <summary>Does what must not hold a worker up: resets, and ends that have to be explained.</summary>
/// <remarks>
/// A thread of its own, since one that the thread pool makes when a worker asks for it inherits the worker's CPU and priority, and
/// would run in its place. <i>Threading</i>: any thread posts; the one that starts it gives it its CPUs and priority.
/// </remarks>
internal sealed class ControlThread : IDisposable
{
    private readonly BlockingCollection<Action> _actions = [];
    private Thread? _thread;
    private bool _disposed;

    /// <summary>Starts the thread.</summary>
    internal void Start()
    {
        _thread = HostThread.Start(new Thread(Run, 1 << 20) { IsBackground = true, Name = "control" });
    }

    /// <summary>Has it do something, after what was posted before.</summary>
    internal void Post(Action action) => _actions.Add(action);

    /// <summary>Does what was posted, and ends; once nobody posts any more. A second time does nothing.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _actions.CompleteAdding();
        _thread?.Join();
        _actions.Dispose();
    }

    private void Run()
    {
        foreach (Action action in _actions.GetConsumingEnumerable())
        {
            action();
        }
    }
}
