using System.Runtime.InteropServices;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>Does the work on a thread of its own, also whenever a file descriptor has something for it.</summary>
public sealed class PollExecutor : IDeviceExecutor
{
    private const int StackBytes = 256 << 10;

    private readonly PollBell _bell = new();
    private readonly Thread _thread;
    private readonly SafeHandle _handle;
    private Action? _work;
    private Action<Exception>? _failed;
    private volatile bool _ends;

    /// <summary>A thread by this name that watches a descriptor, which the caller keeps longer.</summary>
    public PollExecutor(string name, SafeHandle handle)
    {
        _handle = handle;
        _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = name };
    }

    /// <summary>What the descriptor is watched for until the work was done again. On its thread.</summary>
    public PollEvents Interest { get; set; }

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

        _bell.Dispose();
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
                Interest = PollEvents.None;
                _failed!(e);
            }

            _bell.Wait(_handle, Interest);
        }
    }
}
