using System.Diagnostics;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>Serves one queue on an executor, buffer by buffer, from the driver's start to its end.</summary>
/// <remarks><i>Threading</i>: any; <c>serve</c> is called on the executor.</remarks>
internal sealed class QueueLane
{
    /// <summary>So long may a buffer that is done wait for the ones behind it before the driver is told.</summary>
    private static readonly long s_patience = Stopwatch.Frequency / 20_000;

    private readonly IDeviceExecutor _executor;
    private readonly int _queue;
    private readonly Func<VirtioSession, DescriptorChain, long> _serve;
    private readonly TryBegin? _tryBegin;
    private readonly Func<bool> _isWaiting;
    private DescriptorChain? _chain;
    private Virtqueue? _served;
    private VirtioSession? _session;
    private Action? _stopped;

    /// <summary>A lane that waits for its driver.</summary>
    /// <param name="executor">Where it serves; the caller's to dispose.</param>
    /// <param name="queue">Which queue.</param>
    /// <param name="serve">Serves a buffer: how many of its bytes were written, or less than 0 where it is not a request.</param>
    /// <param name="tryBegin">Whether a buffer may be served now; null: always.</param>
    internal QueueLane(IDeviceExecutor executor, int queue, Func<VirtioSession, DescriptorChain, long> serve, TryBegin? tryBegin = null)
    {
        (_executor, _queue, _serve, _tryBegin) = (executor, queue, serve, tryBegin);
        _isWaiting = () => _served?.IsWaiting == true;
        executor.Start(Work, e => Volatile.Read(ref _session)?.Fail(e.ToString()));
    }

    /// <summary>Whether a buffer may be served now; if not, when it may.</summary>
    internal delegate bool TryBegin(DescriptorChain chain, out long againNs);

    internal void Start(VirtioSession session)
    {
        _chain = new DescriptorChain(session.Memory);
        Volatile.Write(ref _session, session);
        _executor.Ring();
    }

    internal void Ring() => _executor.Ring();

    internal void Stop(Action stopped)
    {
        Volatile.Write(ref _stopped, stopped);
        _executor.Ring();
    }

    private void Work()
    {
        if (Interlocked.Exchange(ref _stopped, null) is { } stopped)
        {
            _session = null;
            stopped();
            return;
        }

        if (Volatile.Read(ref _session) is { } session && session.Queues[_queue] is { } queue)
        {
            _served = queue;
            queue.Ignore();
            bool more = Drain(session, queue, out long heldUntilNs);
            session.Used(_queue);
            if (heldUntilNs != 0)
            {
                _executor.RingAt(heldUntilNs);
            }
            else if (more || (!session.IsEnding && (_executor.Linger(_isWaiting) || queue.Await())))
            {
                _executor.Ring();
            }

            if (queue.Error is { } error)
            {
                session.Fail($"queue {_queue}: {error}");
            }
        }
    }

    /// <summary>Serves what waits, a ring's worth at most; true where there may be more, unless the next is held until later.</summary>
    private bool Drain(VirtioSession session, Virtqueue queue, out long heldUntilNs)
    {
        heldUntilNs = 0;
        DescriptorChain chain = _chain!; // of the same Start as the session
        long told = Stopwatch.GetTimestamp();
        for (int left = queue.Size; left > 0; left--)
        {
            if (session.IsEnding || !queue.TryPop(chain))
            {
                return false;
            }

            if (_tryBegin is not null && !_tryBegin(chain, out heldUntilNs))
            {
                queue.Untake(chain);
                return true;
            }

            heldUntilNs = 0;
            long written = _serve(session, chain);
            if (written < 0)
            {
                queue.Refuse("a buffer that is not a request");
                return false;
            }

            queue.Push(chain, (uint)written);
            queue.Publish();
            long now = Stopwatch.GetTimestamp();
            if (now - told > s_patience)
            {
                told = now;
                session.Used(_queue);
            }
        }

        return true;
    }
}
