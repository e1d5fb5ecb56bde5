using Bulkhead.Host.Threads;
using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Workers;

/// <summary>Idle time of an instruction clock: over at once, unless only the outside can end it.</summary>
internal sealed class SkippedIdle(InstructionClock clock) : IIdle
{
    private readonly WakeWord _word = new();

    public bool IsRung => _word.IsRung;

    public void Ring() => _word.Ring();

    public void Clear() => _word.Clear();

    /// <summary>Nothing but a ring matters any more.</summary>
    internal void WaitForRing() => _word.Wait(long.MaxValue);

    public void Wait(long untilNs, bool prompt)
    {
        if (untilNs == long.MaxValue && clock.EndNs == long.MaxValue)
        {
            WaitForRing();
        }
        else if (!_word.IsRung)
        {
            clock.SkipTo(untilNs);
        }
    }
}
