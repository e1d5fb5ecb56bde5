using System.Diagnostics;

namespace Bulkhead.Core.Time;

/// <summary>The deadlines of one vCPU or domain, in order.</summary>
/// <remarks>
/// <i>Threading</i>: any thread may arm; one thread fires. <i>Cost</i>: a handful of clients, so a sorted array.
/// The callback given at construction runs (outside the lock) when the earliest deadline moved forward.
/// </remarks>
public sealed class TimerQueue(Action onEarlier) : ITimerQueue
{
    private const int MostFirings = 10_000;

    private readonly Lock _lock = new();
    private Entry[] _entries = new Entry[8];
    private int _count;
    private long _next = long.MaxValue;

    /// <summary>The earliest deadline, or <see cref="long.MaxValue"/>.</summary>
    public long NextDeadlineNs => Volatile.Read(ref _next);

    /// <inheritdoc/>
    public void Arm(ITimerClient client, long deadlineNs)
    {
        bool earlier;
        lock (_lock)
        {
            Remove(client);
            if (_count == _entries.Length)
            {
                Array.Resize(ref _entries, _count * 2);
            }

            int at = _count;
            while (at > 0 && _entries[at - 1].DeadlineNs > deadlineNs)
            {
                _entries[at] = _entries[at - 1];
                at--;
            }

            _entries[at] = new Entry(deadlineNs, client);
            _count++;
            earlier = at == 0 && deadlineNs < _next;
            _next = _entries[0].DeadlineNs;
        }

        if (earlier)
        {
            onEarlier();
        }
    }

    /// <inheritdoc/>
    public void Disarm(ITimerClient client)
    {
        lock (_lock)
        {
            Remove(client);
            _next = _count == 0 ? long.MaxValue : _entries[0].DeadlineNs;
        }
    }

    /// <summary>Fires every deadline that is not after <paramref name="nowNs"/>.</summary>
    /// <remarks><i>Errors</i>: an <see cref="UnreachableException"/> where clients stay due however often they are fired; the thread that
    /// fires serves others too.</remarks>
    public void Fire(long nowNs)
    {
        int fired = 0;
        while (NextDeadlineNs <= nowNs)
        {
            if (++fired > MostFirings)
            {
                throw new UnreachableException($"After {MostFirings} firings at {nowNs} ns a timer is still due at {NextDeadlineNs} ns.");
            }

            ITimerClient client;
            lock (_lock)
            {
                if (_count == 0 || _entries[0].DeadlineNs > nowNs)
                {
                    return;
                }

                client = _entries[0].Client;
                Remove(client);
                _next = _count == 0 ? long.MaxValue : _entries[0].DeadlineNs;
            }

            client.OnTimer(nowNs);
        }
    }

    private void Remove(ITimerClient client)
    {
        for (int i = 0; i < _count; i++)
        {
            if (ReferenceEquals(_entries[i].Client, client))
            {
                Array.Copy(_entries, i + 1, _entries, i, _count - i - 1);
                _entries[--_count] = default;
                return;
            }
        }
    }

    private readonly record struct Entry(long DeadlineNs, ITimerClient Client);
}
