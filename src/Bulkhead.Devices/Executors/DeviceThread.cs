using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Executors;

/// <summary>The thread of an executor: works, waits, and works again.</summary>
/// <param name="name">Its name, which Linux shows the first 15 characters of.</param>
/// <param name="wait">Waits until it is rung, or until there is work for another reason.</param>
/// <param name="ring">Ends the wait, or the next one.</param>
/// <remarks><i>Threading</i>: any; the work, and the wait, are on the thread itself.</remarks>
internal sealed class DeviceThread(string name, Action wait, Action ring)
{
    private const int StackBytes = 256 << 10;

    private Thread? _thread;
    private volatile bool _ends;

    /// <summary>Starts it.</summary>
    /// <param name="work">Does what there is to do.</param>
    /// <param name="failed">Told of what the work threw.</param>
    internal void Start(Action work, Action<Exception> failed)
    {
        _thread = HostThread.Start(new Thread(() => Run(work, failed), StackBytes) { IsBackground = true, Name = name });
    }

    /// <summary>Ends it, and waits for that.</summary>
    internal void End()
    {
        _ends = true;
        ring();
        _thread?.Join();
    }

    private void Run(Action work, Action<Exception> failed)
    {
        while (!_ends)
        {
            try
            {
                work();
            }
#pragma warning disable CA1031 // The thread's root: a bug of ours ends the device, not the machine.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failed(e);
            }

            wait();
        }
    }
}
