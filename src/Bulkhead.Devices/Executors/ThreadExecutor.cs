using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>Does the work on a thread of its own, so that no vCPU waits for the host's storage.</summary>
public sealed class ThreadExecutor : IDeviceExecutor
{
    private const int StackBytes = 256 << 10;

    private readonly WakeWord _bell = new();
    private readonly Thread _thread;
    private Action? _work;
    private Action<Exception>? _failed;
    private volatile bool _ends;

    /// <summary>A thread by this name, which Linux shows the first 15 characters of.</summary>
    public ThreadExecutor(string name) => _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = name };

    /// <inheritdoc/>
    public void Start(Action work, Action<Exception> failed)
    {
        (_work, _failed) = (work, failed);
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Ring() => _bell.Ring();

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _bell.Ring();
        if (_work is not null)
        {
            _thread.Join();
        }
    }

    private void Run()
    {
        while (!_ends)
        {
            try
            {
                _work!(); // Start gave it before it started the thread
            }
#pragma warning disable CA1031 // The thread's root: a bug of ours ends the device, not the machine.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failed!(e);
            }

            _bell.Wait(long.MaxValue);
        }
    }
}
