using System.Diagnostics;
using Bulkhead.Host.Threads;

namespace Bulkhead.Machine.Workers;

/// <summary>Spins a little, then sleeps on a futex; a prompt wait also wakes a little early, to spin up to the deadline.</summary>
/// <remarks>A futex across cores costs over 20 µs to wake; a spinning line 55 ns. One that need not be prompt spins only where that
/// would have been enough the last time: where vCPUs wake each other, not where they tick a few times a second.</remarks>
internal sealed class SpinThenSleep(long spinNs) : IIdle
{
    private readonly WakeWord _word = new();
    private bool _pays = true;

    public bool IsRung => _word.IsRung;

    /// <summary>Whether the next wait that need not be prompt spins.</summary>
    internal bool Spins => _pays;

    public void Ring() => _word.Ring();

    public void Clear() => _word.Clear();

    public void Wait(long untilNs, bool prompt)
    {
        long begun = Stopwatch.GetTimestamp();
        if (!((prompt || _pays) && Spin(Math.Min(untilNs, begun + spinNs))))
        {
            long early = prompt ? spinNs : 0;
            if (untilNs - early > begun)
            {
                _word.Wait(untilNs == long.MaxValue ? untilNs : untilNs - early);
            }
        }

        // Asleep it woke later than it would have spinning.
        _pays = Stopwatch.GetTimestamp() - begun <= 2 * spinNs;
    }

    private bool Spin(long untilNs)
    {
        while (!_word.IsRung)
        {
            if (Stopwatch.GetTimestamp() >= untilNs)
            {
                return false;
            }

            Thread.SpinWait(10);
        }

        return true;
    }
}
