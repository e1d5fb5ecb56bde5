using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Tests.Chipset;

/// <summary>Time that stands still until told; the TSC runs at 2 GHz.</summary>
internal sealed class FakeClock : IClock
{
    public long NowNs { get; set; }

    public ulong GuestTsc => (ulong)NowNs * 2;

    public ulong TscHz => 2_000_000_000;

    public long WhenTsc(ulong guestTsc) => (long)(guestTsc / 2);

    /// <summary>Moves time forward, stopping at each deadline of the queue.</summary>
    public void Advance(long ns, TimerQueue timers)
    {
        long end = NowNs + ns;
        while (timers.NextDeadlineNs <= end)
        {
            NowNs = Math.Max(NowNs, timers.NextDeadlineNs);
            timers.Fire(NowNs);
        }

        NowNs = end;
    }

    /// <summary>Moves time forward without anybody being woken, then fires what is due.</summary>
    public void Jump(long ns, TimerQueue timers)
    {
        NowNs += ns;
        timers.Fire(NowNs);
    }
}
