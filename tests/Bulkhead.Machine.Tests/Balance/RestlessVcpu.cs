using System.Diagnostics;
using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Workers;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tests.Balance;

/// <summary>A vCPU that answers wake-ups and its own timer, a little at a time, or computes; and says what it likes, where somebody listens.</summary>
/// <remarks>It halts only where nothing is asked of it: one whose wake-up or timer got lost stands still.</remarks>
internal sealed class RestlessVcpu(VcpuSlot slot, bool busy, int seed) : FakeVcpu, ITimerClient
{
    private readonly Random _random = new(seed);
    private int _ended;
    private int _inside;
    private long _asked;
    private long _answered;
    private long _due;
    private long _fired;

    /// <summary>Whether it says nothing.</summary>
    internal bool IsSilent { get; init; }

    /// <summary>How often it was asked, and answered.</summary>
    internal (long Asked, long Answered) Questions => (Volatile.Read(ref _asked), Volatile.Read(ref _answered));

    /// <summary>How often its timer was armed, and fired.</summary>
    internal (long Due, long Fired) Timers => (Volatile.Read(ref _due), Volatile.Read(ref _fired));

    /// <summary>What went wrong, or null.</summary>
    internal string? Problem { get; private set; }

    /// <summary>Any thread: asks it something.</summary>
    internal void Ask()
    {
        _ = Interlocked.Increment(ref _asked);
        slot.Wake();
    }

    public override StopReason Run(ICpuIo io, long untilNs)
    {
        if (Interlocked.Exchange(ref _inside, 1) != 0)
        {
            Problem = "two workers run it at a time";
        }

        StopReason reason = RunAlone(untilNs);
        Volatile.Write(ref _inside, 0);
        return reason;
    }

    public void OnTimer(long nowNs)
    {
        Volatile.Write(ref _fired, _fired + 1);
        slot.Wake();
    }

    public override void EndTurn() => Volatile.Write(ref _ended, 1);

    public override void Kick() => EndTurn();

    private StopReason RunAlone(long untilNs)
    {
        do
        {
            _answered = Volatile.Read(ref _asked);
            if (_due == Volatile.Read(ref _fired))
            {
                _due++;
                slot.Timers.Arm(this, Stopwatch.GetTimestamp() + _random.NextInt64(300_000));
            }

            if (!IsSilent && _random.Next(10) == 0)
            {
                slot.Classes?.Say((byte)_random.Next(3));
            }

            Thread.SpinWait(_random.Next(50));
            if (Interlocked.Exchange(ref _ended, 0) != 0)
            {
                return StopReason.Kicked;
            }

            if (Stopwatch.GetTimestamp() >= untilNs)
            {
                return StopReason.Budget;
            }
        }
        while (busy || _answered != Volatile.Read(ref _asked) || _random.Next(20) != 0);

        return StopReason.Halt;
    }
}
