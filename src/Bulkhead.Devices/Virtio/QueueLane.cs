using System.Diagnostics;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>Serves one queue on an executor and its helpers, each buffer by buffer, from the driver's start to its end.</summary>
/// <remarks>
/// <para>The executor begins; a helper is called when a buffer waits that nobody else would take at once, and rests when none does. So
/// buffers are served one by one and in order where there are no helpers, several at a time and in any order where there are.</para>
/// <para><i>Threading</i>: any; <c>serve</c> is called on the executor and its helpers. The lock guards the queue and who is busy; nothing
/// is called with it that waits, or takes the transport's.</para>
/// </remarks>
internal sealed class QueueLane
{
    /// <summary>So long may a buffer that is done wait for the ones behind it before the driver is told.</summary>
    private static readonly long s_patience = Stopwatch.Frequency / 20_000;

    private readonly Lock _lock = new();
    private readonly QueueHand _first;
    private readonly QueueHand[] _helpers;
    private readonly int _queue;
    private readonly Func<VirtioSession, DescriptorChain, long> _serve;
    private readonly TryBegin? _tryBegin;
    private readonly Func<DescriptorChain, bool>? _takesLong;
    private readonly Func<bool> _isWaiting;
    private Virtqueue? _served;
    private VirtioSession? _session;
    private Action? _stopped;
    private int _helping;

    /// <summary>A lane that waits for its driver.</summary>
    /// <param name="executor">Where it serves; the caller's to dispose.</param>
    /// <param name="queue">Which queue.</param>
    /// <param name="serve">Serves a buffer: how many of its bytes were written, or less than 0 where it is not a request.</param>
    /// <param name="tryBegin">Whether a buffer may be served now; null: always. With the lane's lock.</param>
    /// <param name="takesLong">Whether a buffer may take long: the driver is told first of those that are done; null: none does.</param>
    internal QueueLane(
        IDeviceExecutor executor, int queue, Func<VirtioSession, DescriptorChain, long> serve, TryBegin? tryBegin = null, Func<DescriptorChain, bool>? takesLong = null)
    {
        (_first, _queue, _serve, _tryBegin, _takesLong) = (new QueueHand(executor), queue, serve, tryBegin, takesLong);
        _helpers = [.. executor.Helpers.Select(static helper => new QueueHand(helper))];
        _isWaiting = IsWaiting;
        foreach (QueueHand helper in _helpers)
        {
            helper.Executor.Start(() => Help(helper), e =>
            {
                Fail(e);
                Rest(helper);
            });
        }

        executor.Start(Work, Fail);
    }

    /// <summary>Whether a buffer may be served now; if not, when it may.</summary>
    internal delegate bool TryBegin(DescriptorChain chain, out long againNs);

    internal void Start(VirtioSession session)
    {
        _first.IsBusy = false; // also where its last buffer was its end
        foreach (QueueHand hand in (ReadOnlySpan<QueueHand>)[_first, .. _helpers])
        {
            hand.Chain = new DescriptorChain(session.Memory);
        }

        Volatile.Write(ref _session, session);
        _first.Executor.Ring();
    }

    /// <summary>There are buffers: whoever is free looks. Between start and stop.</summary>
    internal void Ring()
    {
        QueueHand hand = _first;
        if (_helpers.Length > 0)
        {
            lock (_lock)
            {
                hand = (_first.IsBusy ? TryCall() : null) ?? _first;
            }
        }

        hand.Executor.Ring();
    }

    internal void Stop(Action stopped)
    {
        Volatile.Write(ref _stopped, stopped);
        _first.Executor.Ring();
    }

    private void Work()
    {
        if (Volatile.Read(ref _stopped) is not null)
        {
            End();
            return;
        }

        if (Volatile.Read(ref _session) is { } session && session.Queues[_queue] is { } queue)
        {
            _served = queue;
            queue.Ignore();
            bool more = Drain(session, queue, _first, out long heldUntilNs);
            Tell(session, queue);
            if (heldUntilNs != 0)
            {
                _first.Executor.RingAt(heldUntilNs);
            }
            else if (more || (!session.IsEnding && (_first.Executor.Linger(_isWaiting) || Await(queue))))
            {
                _first.Executor.Ring();
            }
        }
    }

    /// <summary>The driver's end, as soon as no helper has a buffer of it: the last one rings.</summary>
    private void End()
    {
        lock (_lock)
        {
            if (_helping > 0)
            {
                return;
            }
        }

        Action? stopped = Interlocked.Exchange(ref _stopped, null);
        _session = null;
        stopped?.Invoke();
    }

    /// <summary>A helper's work: nothing where it was not called.</summary>
    private void Help(QueueHand hand)
    {
        lock (_lock)
        {
            if (!hand.IsBusy)
            {
                return;
            }
        }

        if (Volatile.Read(ref _session) is { } session && session.Queues[_queue] is { } queue)
        {
            long heldUntilNs;
            do
            {
                _ = Drain(session, queue, hand, out heldUntilNs);
                Tell(session, queue);
            }
            while (!TryRest(session, queue, hand, heldUntilNs != 0));
            if (heldUntilNs != 0)
            {
                _first.Executor.Ring(); // which knows when to come again
            }
        }
        else
        {
            Rest(hand);
        }
    }

    /// <summary>With the lock: a helper that has nothing to do, to be rung; null where there is none.</summary>
    private QueueHand? TryCall()
    {
        foreach (QueueHand helper in _helpers)
        {
            if (!helper.IsBusy)
            {
                helper.IsBusy = true;
                _helping++;
                return helper;
            }
        }

        return null;
    }

    /// <summary>A helper rests, unless there is a buffer for it.</summary>
    private bool TryRest(VirtioSession session, Virtqueue queue, QueueHand hand, bool held)
    {
        lock (_lock)
        {
            if (!held && !session.IsEnding && queue.Await())
            {
                return false;
            }

            Rest(hand);
            return true;
        }
    }

    private void Rest(QueueHand hand)
    {
        lock (_lock)
        {
            hand.IsBusy = false;
            _helping--;
        }

        if (Volatile.Read(ref _stopped) is not null)
        {
            _first.Executor.Ring();
        }
    }

    /// <summary>Serves what waits, a ring's worth at most; true where there may be more, unless the next is held until later.</summary>
    private bool Drain(VirtioSession session, Virtqueue queue, QueueHand hand, out long heldUntilNs)
    {
        heldUntilNs = 0;
        DescriptorChain chain = hand.Chain!; // of the same Start as the session
        long told = Stopwatch.GetTimestamp();
        for (int left = queue.Size; left > 0; left--)
        {
            if (!TryTake(session, queue, hand, chain, out heldUntilNs, out QueueHand? helper))
            {
                return false;
            }

            helper?.Executor.Ring();
            if (left < queue.Size && _takesLong?.Invoke(chain) == true)
            {
                Tell(session, queue);
            }

            long written = _serve(session, chain);
            if (!TryGiveBack(queue, hand, chain, written))
            {
                return false;
            }

            long now = Stopwatch.GetTimestamp();
            if (now - told > s_patience)
            {
                told = now;
                Tell(session, queue);
            }
        }

        return true;
    }

    /// <summary>Takes the next buffer, if there is one and it is not held; and a helper, to be rung, for the one behind it.</summary>
    private bool TryTake(VirtioSession session, Virtqueue queue, QueueHand hand, DescriptorChain chain, out long heldUntilNs, out QueueHand? helper)
    {
        helper = null;
        heldUntilNs = 0;
        lock (_lock)
        {
            if (session.IsEnding || !queue.TryPop(chain))
            {
                return false;
            }

            if (_tryBegin is not null && !_tryBegin(chain, out heldUntilNs))
            {
                queue.Untake(chain);
                return false;
            }

            heldUntilNs = 0;
            hand.IsBusy = true;
            if (_helpers.Length > 0 && (queue.IsWaiting || queue.Await()))
            {
                helper = TryCall();
            }

            return true;
        }
    }

    /// <summary>Gives a buffer back, which the driver sees at once; false where it was not a request.</summary>
    private bool TryGiveBack(Virtqueue queue, QueueHand hand, DescriptorChain chain, long written)
    {
        lock (_lock)
        {
            hand.IsBusy = hand != _first; // a helper rests when it says so
            if (written < 0)
            {
                queue.Refuse("a buffer that is not a request");
                return false;
            }

            queue.Push(chain, (uint)written);
            queue.Publish();
            return true;
        }
    }

    /// <summary>Tells the driver what was given back, if it wants that, and what it did wrong.</summary>
    private void Tell(VirtioSession session, Virtqueue queue)
    {
        bool wanted;
        lock (_lock)
        {
            wanted = queue.WantsInterrupt();
        }

        if (wanted)
        {
            session.Raise(_queue);
        }

        if (queue.Error is { } error)
        {
            session.Fail($"queue {_queue}: {error}");
        }
    }

    private bool Await(Virtqueue queue)
    {
        lock (_lock)
        {
            return queue.Await();
        }
    }

    private bool IsWaiting()
    {
        lock (_lock)
        {
            return _served?.IsWaiting == true;
        }
    }

    private void Fail(Exception e) => Volatile.Read(ref _session)?.Fail(e.ToString());
}
