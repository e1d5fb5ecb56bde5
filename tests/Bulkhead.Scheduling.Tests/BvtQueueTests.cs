using Bulkhead.Core.Tests;
using Xunit;

namespace Bulkhead.Scheduling.Tests;

public sealed class BvtQueueTests
{
    private const long Ms = 1_000_000;
    private const long CenturyNs = 3_155_760_000_000_000_000;

    private static readonly BvtParameters s_plain = BvtParameters.Default;

    [Fact]
    public void Pick_NobodyRunnable_FindsNone()
    {
        var queue = new BvtQueue(Ms);
        queue.Add(s_plain);

        Assert.False(queue.Pick(0).Found);
    }

    [Fact]
    public void Pick_Alone_HasNoBudget()
    {
        var queue = new BvtQueue(Ms);
        int slot = Runnable(queue, s_plain with { WarpNs = Ms, WarpLimitNs = Ms, UnwarpNs = Ms });

        Assert.Equal(new QueuePick(slot, long.MaxValue), queue.Pick(0));
    }

    [Fact]
    public void Pick_Tie_TakesNewlyWokenThenFirstListed()
    {
        var queue = new BvtQueue(Ms);
        int a = Runnable(queue, s_plain);
        int b = Runnable(queue, s_plain);
        int c = queue.Add(s_plain);

        Assert.Equal(a, queue.Pick(0).Slot);
        queue.Wake(c);
        Assert.Equal(c, queue.Pick(0).Slot);
        queue.Block(c, BlockKind.Voluntary);
        Assert.Equal(a, queue.Pick(0).Slot);
        Assert.Equal(new QueuePick(a, Ms), queue.Pick(0));
        Run(queue, Ms, 0);
        Assert.Equal(b, queue.Pick(Ms).Slot);
    }

    [Fact]
    public void Pick_WithinAllowance_KeepsTheRunning()
    {
        var queue = new BvtQueue(Ms);
        int a = Runnable(queue, s_plain with { Weight = 3 });
        Runnable(queue, s_plain);
        queue.Pick(0);
        Run(queue, Ms - 1, 0);

        Assert.Equal(new QueuePick(a, 1), queue.Pick(Ms - 1));
    }

    [Fact]
    public void Wake_AfterVoluntaryBlock_StartsAtSvt()
    {
        var queue = new BvtQueue(Ms);
        Runnable(queue, s_plain);
        int sleeper = queue.Add(s_plain);
        queue.Pick(0);
        Run(queue, 10 * Ms, 0);
        queue.Wake(sleeper);

        Assert.Equal(10 * Ms, queue.ActualNs(sleeper));
        Assert.Equal(sleeper, queue.Pick(10 * Ms).Slot);
    }

    [Fact]
    public void Wake_AfterInvoluntaryBlock_IsOwedTheTime()
    {
        var queue = new BvtQueue(Ms);
        Runnable(queue, s_plain);
        int paused = Runnable(queue, s_plain);
        queue.Block(paused, BlockKind.Involuntary);
        queue.Pick(0);
        Run(queue, 10 * Ms, 0);
        queue.Wake(paused);

        Assert.Equal(0, queue.ActualNs(paused));
        Assert.Equal(new QueuePick(paused, 11 * Ms), queue.Pick(10 * Ms));
    }

    [Fact]
    public void Block_InvoluntarilyWhileAsleep_StaysVoluntary()
    {
        var queue = new BvtQueue(Ms);
        Runnable(queue, s_plain);
        int sleeper = queue.Add(s_plain);
        queue.Block(sleeper, BlockKind.Involuntary);
        queue.Pick(0);
        Run(queue, Ms, 0);
        queue.Wake(sleeper);

        Assert.Equal(Ms, queue.ActualNs(sleeper));
    }

    [Fact]
    public void Svt_QueueEmpties_KeepsItsLastValue()
    {
        var queue = new BvtQueue(Ms);
        int a = Runnable(queue, s_plain);
        queue.Pick(0);
        Run(queue, 7, 0);
        queue.Block(a, BlockKind.Voluntary);
        Assert.Equal(7, queue.SvtNs);
        queue.Remove(a);

        Assert.Equal(7, queue.SvtNs);
        Assert.Equal(7, queue.ActualNs(queue.Add(s_plain)));
    }

    [Fact]
    public void Charge_WarpLimitReached_LosesWarpForUnwarpTime()
    {
        var queue = new BvtQueue(1);
        int rt = Runnable(queue, s_plain with { WarpNs = 100 * Ms, WarpLimitNs = 5 * Ms, UnwarpNs = 20 * Ms });
        int other = Runnable(queue, s_plain);

        Assert.Equal(new QueuePick(rt, 5 * Ms), queue.Pick(0));
        Run(queue, 5 * Ms, 0);
        Assert.False(queue.IsWarped(rt, 5 * Ms));
        Assert.Equal(new QueuePick(other, 5 * Ms + 1), queue.Pick(5 * Ms));
        Run(queue, 5 * Ms + 1, 5 * Ms);
        QueuePick next = queue.Pick(10 * Ms + 1);
        Assert.Equal(rt, next.Slot);
        Assert.False(queue.IsWarped(rt, 25 * Ms - 1));
        Assert.True(queue.IsWarped(rt, 25 * Ms));
    }

    [Fact]
    public void Pick_WaitingOneRegainsWarp_EndsTheBudgetThere()
    {
        var queue = new BvtQueue(Ms);
        int rt = Runnable(queue, s_plain with { WarpNs = 100 * Ms, WarpLimitNs = 5 * Ms, UnwarpNs = 2 * Ms });
        int other = Runnable(queue, s_plain);
        queue.Pick(0);
        Run(queue, 5 * Ms, 0);

        Assert.Equal(new QueuePick(other, 2 * Ms), queue.Pick(5 * Ms));
        Run(queue, 2 * Ms, 5 * Ms);
        Assert.Equal(new QueuePick(rt, 5 * Ms), queue.Pick(7 * Ms));
    }

    [Fact]
    public void Charge_LimitWithoutUnwarpTime_RegainsOnWake()
    {
        var queue = new BvtQueue(Ms);
        int rt = Runnable(queue, s_plain with { WarpNs = 100 * Ms, WarpLimitNs = 5 * Ms });
        queue.Pick(0);
        Run(queue, 5 * Ms, 0);
        Assert.False(queue.IsWarped(rt, CenturyNs));
        queue.Block(rt, BlockKind.Voluntary);
        queue.Wake(rt);

        Assert.True(queue.IsWarped(rt, 5 * Ms));
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(5, false)]
    [InlineData(24, false)]
    [InlineData(25, true)]
    [InlineData(29, true)]
    [InlineData(30, false)]
    [InlineData(25_000_055, false)]
    public void Charge_OneLongRun_LeavesTheLimitInItsPhase(long ranMs, bool warped)
    {
        var queue = new BvtQueue(Ms);
        int rt = Runnable(queue, s_plain with { WarpNs = 100 * Ms, WarpLimitNs = 5 * Ms, UnwarpNs = 20 * Ms });
        queue.Pick(0);
        Run(queue, ranMs * Ms, 0);

        Assert.Equal(warped, queue.IsWarped(rt, ranMs * Ms));
    }

    [Fact]
    public void Attach_FromAnotherQueue_CarriesLagOverSvt()
    {
        var from = new BvtQueue(Ms);
        var to = new BvtQueue(Ms);
        int mover = Runnable(from, s_plain with { WarpNs = 10 * Ms });
        Runnable(from, s_plain);
        Runnable(to, s_plain);
        to.Pick(0);
        Run(to, 1000 * Ms, 0);
        from.Pick(0);
        Run(from, 3 * Ms, 0);

        int slot = to.Attach(from.Detach(mover));

        Assert.Equal(1003 * Ms, to.ActualNs(slot));
        Assert.Equal(slot, to.Pick(1000 * Ms).Slot);
        Assert.Equal(3 * Ms, to.RanNs(slot));
        Assert.Throws<ArgumentOutOfRangeException>(() => from.IsRunnable(mover));
    }

    [Fact]
    public void Change_Weight_ChargesByTheNewOneFromNowOn()
    {
        var queue = new BvtQueue(Ms);
        int a = Runnable(queue, s_plain);
        queue.Pick(0);
        Run(queue, 4 * Ms, 0);
        queue.Change(a, s_plain with { Weight = 4 });
        Run(queue, 4 * Ms, 4 * Ms);

        Assert.Equal(5 * Ms, queue.ActualNs(a));
    }

    [Fact]
    public void Change_WarpSwitchedOff_TakesEffectAtNextPick()
    {
        var queue = new BvtQueue(Ms);
        BvtParameters warping = s_plain with { WarpNs = 100 * Ms };
        int rt = Runnable(queue, warping);
        int other = Runnable(queue, s_plain);
        queue.Pick(0);
        Run(queue, 10 * Ms, 0);
        Assert.Equal(rt, queue.Pick(10 * Ms).Slot);
        queue.Change(rt, warping with { WarpDisabled = true });

        Assert.Equal(other, queue.Pick(10 * Ms).Slot);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(BvtParameters.MaxWeight)]
    public void Charge_ManySmallRuns_EqualsOneLargeRun(int weight)
    {
        var queue = new BvtQueue(Ms);
        int one = Runnable(queue, s_plain with { Weight = weight });
        queue.Pick(0);
        long now = 0;
        for (int i = 0; i < 200_000; i++)
        {
            now += Run(queue, 1 + i % 5, now);
        }

        var whole = new BvtQueue(Ms);
        int same = Runnable(whole, s_plain with { Weight = weight });
        whole.Pick(0);
        Run(whole, now, 0);
        Assert.Equal(whole.Actual(same), queue.Actual(one));
        Assert.Equal(now / weight, queue.ActualNs(one));
    }

    [Fact]
    public void Charge_ACentury_DoesNotOverflow()
    {
        var queue = new BvtQueue(BvtQueue.MaxAllowanceNs);
        int light = Runnable(queue, s_plain);
        queue.Pick(0);
        Run(queue, CenturyNs, 0);
        int heavy = queue.Add(s_plain with { Weight = BvtParameters.MaxWeight, WarpNs = BvtParameters.MaxTimeNs });
        queue.Wake(heavy);
        QueuePick pick = queue.Pick(CenturyNs);

        Assert.Equal(heavy, pick.Slot);
        Assert.Equal((BvtParameters.MaxTimeNs * BvtParameters.MaxWeight) + BvtQueue.MaxAllowanceNs, pick.BudgetNs);
        Assert.Equal(CenturyNs, queue.ActualNs(light));
    }

    [Fact]
    public void Pick_AfterAdd_AllocatesNothing()
    {
        var queue = new BvtQueue(Ms);
        int a = Runnable(queue, s_plain);
        int b = Runnable(queue, s_plain with { Weight = 3, WarpNs = Ms, WarpLimitNs = Ms, UnwarpNs = Ms });

        Assert.Equal(0, Allocations.LeastBytes(() => Turns(queue, a, b, 10_000)));
    }

    [Fact]
    public void Add_PastCapacity_Grows()
    {
        var queue = new BvtQueue(Ms, capacity: 1);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(i, queue.Add(s_plain));
        }

        queue.Remove(3);
        Assert.Equal(3, queue.Add(s_plain));
    }

    [Fact]
    public void Charge_NobodyRunning_Throws() =>
        Assert.Throws<InvalidOperationException>(() => new BvtQueue(Ms).Charge(1, 1));

    private static int Runnable(BvtQueue queue, BvtParameters parameters)
    {
        int slot = queue.Add(parameters);
        queue.Wake(slot);
        return slot;
    }

    private static long Run(BvtQueue queue, long ranNs, long fromNs)
    {
        queue.Charge(ranNs, fromNs + ranNs);
        return ranNs;
    }

    private static void Turns(BvtQueue queue, int a, int b, int count)
    {
        long now = 0;
        for (int i = 0; i < count; i++)
        {
            QueuePick pick = queue.Pick(now);
            now += Run(queue, Math.Min(pick.BudgetNs, Ms), now);
            int sleeper = i % 2 == 0 ? a : b;
            queue.Block(sleeper, BlockKind.Voluntary);
            queue.Wake(sleeper);
        }
    }
}
