using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Tracing;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class WakeMeterTests : IDisposable
{
    private readonly WakeMeter _meter = new();
    private readonly Domain _domain = new("box", 2, new StillClock(), static _ => { });

    public WakeMeterTests() => _domain.Attach(static _ => new IdleVcpu());

    public void Dispose() => _domain.Dispose();

    [Fact]
    public void Woken_OnASleepingCpu_TheHostsPartAndOurs()
    {
        Turn(0, woken: 1_000, noticed: 1_003, entered: 1_005, left: 1_100, end: 1_101);

        Assert.Equal((3, null, 2, null), Times(0));
    }

    [Fact]
    public void Woken_WhileAnotherRuns_ItsTurnsEndAndASwitch()
    {
        Turn(1, woken: 0, noticed: 0, entered: 500, left: 1_002, end: 1_004);
        Turn(0, woken: 1_000, noticed: 1_005, entered: 1_006, left: 1_100, end: 1_101);

        Assert.Equal((null, 5, 1, 4), Times(0));
        Assert.Equal((null, null, null, null), Times(1));
    }

    [Fact]
    public void Woken_OthersWereBeforeIt_OnlyTheSwitchCounts()
    {
        Turn(1, woken: 0, noticed: 0, entered: 1_002, left: 1_050, end: 1_051);
        Turn(0, woken: 1_000, noticed: 1_001, entered: 1_053, left: 1_100, end: 1_101);

        Assert.Equal((null, null, null, 3), Times(0));
    }

    [Fact]
    public void Slept_BetweenTwoTurns_IsNoSwitch()
    {
        Turn(1, woken: 0, noticed: 0, entered: 500, left: 600, end: 601);
        _meter.NoteIdle();
        Turn(0, woken: 1_000, noticed: 1_001, entered: 1_003, left: 1_100, end: 1_101);

        Assert.Equal((1, null, 2, null), Times(0));
    }

    [Fact]
    public void NeverEntered_CountsNothing()
    {
        Turn(0, woken: 1_000, noticed: 1_003, entered: 0, left: 1_005, end: 1_006);

        Assert.Equal((null, null, null, null), Times(0));
    }

    private void Turn(int vcpu, long woken, long noticed, long entered, long left, long end)
    {
        var engine = (IdleVcpu)_domain.Slots[vcpu].Vcpu;
        (engine.EnteredNs, engine.LeftNs) = (entered, left);
        _meter.Note(_domain.Slots[vcpu], woken, noticed, end);
    }

    private (long? Host, long? TurnEnd, long? Entry, long? Switch) Times(int vcpu)
    {
        WakeTimes times = _domain.Slots[vcpu].WakeTimes;
        return (Only(times.Host), Only(times.TurnEnd), Only(times.Entry), Only(times.Switch));
    }

    private static long? Only(LatencyHistogram histogram)
    {
        long[] counts = new long[LatencyHistogram.Classes];
        histogram.AddTo(counts);
        return LatencyHistogram.TryPercentile(counts, 100, out long ns) ? ns : null;
    }
}
