using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Balance;

/// <summary>vCPUs that are moved from worker to worker, and the classes they take along.</summary>
public sealed class MovingClassTests
{
    private const int Rounds = 200;
    private const long HourNs = 3_600_000_000_000;

    private static readonly ShareClass s_urgent = new("urgent") { Hint = 7, WarpNs = 50_000_000 };

    // Said at the last moment before it is moved: nobody has looked at it yet.
    [Fact]
    public void Send_OfOneThatJustSpoke_ItIsInTheClassWhereItComes()
    {
        using RestlessPool pool = Pool(s_urgent);
        for (byte round = 0; round < Rounds; round++)
        {
            bool urgent = round % 2 == 0;
            Send(pool, slot => slot.Classes!.Say(urgent ? s_urgent.Hint : (byte)9));
            Assert.True(RestlessPool.Await(() => pool.Placements.First().Slot.ClassName == (urgent ? "urgent" : "base")), $"round {round}: the hint got lost");
        }
    }

    [Fact]
    public void Send_OfOneInAClass_ItHasItsWarpWhereItComes()
    {
        using RestlessPool pool = Pool(s_urgent);
        Send(pool, static slot => slot.Classes!.Say(s_urgent.Hint));
        for (int round = 0; round < Rounds; round++)
        {
            (PcpuWorker owner, Placement moved) = Send(pool);

            Assert.True(Ask(owner, moved, () => ((BvtPolicy)owner.Policy).IsWarped(moved.Slot.PolicyEntry, pool.NowNs)), $"round {round}: without its warp");
            Assert.Equal(("urgent", true), (moved.Slot.ClassName, Ask(owner, moved, () => moved.Slot.IsUrgent)));
        }
    }

    // Once used up it stays so for the rest of the hour, whatever the guest says and wherever it is.
    [Fact]
    public void Send_OfOneWithoutBudget_ItHasNoneWhereItComes()
    {
        using RestlessPool pool = Pool(s_urgent with { LimitNs = 1_000_000, RestNs = HourNs });
        Send(pool, static slot => slot.Classes!.Say(s_urgent.Hint));
        VcpuSlot slot = pool.Placements.First().Slot;
        Assert.True(RestlessPool.Await(() => RanUrgent(pool) > 0 && slot.ClassName == "base"));
        long ran = RanUrgent(pool);
        Assert.True(ran >= 1_000_000);
        for (int round = 0; round < Rounds; round++)
        {
            (PcpuWorker owner, Placement moved) = Send(pool, static s => s.Classes!.Say(s_urgent.Hint));

            Assert.False(Ask(owner, moved, () => ((BvtPolicy)owner.Policy).IsWarped(moved.Slot.PolicyEntry, pool.NowNs)), $"round {round}: it has budget again");
        }

        Assert.Equal("base", slot.ClassName);
        Assert.Equal(ran, RanUrgent(pool));
    }

    // A limit of its domain's own warp, which the queue counts, goes along as well.
    [Fact]
    public void Send_OfOneThatLostItsWarp_ItIsLostWhereItComes()
    {
        using var pool = new RestlessPool(2);
        pool.Add(1, busy: true, new Share(1, WarpNs: 50_000_000, WarpLimitNs: 1_000_000, UnwarpNs: HourNs));
        pool.Start();
        Placement placement = pool.Placements.First();
        Assert.True(RestlessPool.Await(() => !Ask(placement.Owner, placement, () => ((BvtPolicy)placement.Owner.Policy).IsWarped(placement.Slot.PolicyEntry, pool.NowNs))));
        for (int round = 0; round < Rounds; round++)
        {
            (PcpuWorker owner, Placement moved) = Send(pool);

            Assert.False(Ask(owner, moved, () => ((BvtPolicy)owner.Policy).IsWarped(moved.Slot.PolicyEntry, pool.NowNs)), $"round {round}: it warps again");
        }
    }

    // What others set in a placement while it is in a box, the new owner finds.
    [Fact]
    public void Change_OfAClassWhileItMoves_IsWhatItHasWhereItComes()
    {
        using RestlessPool pool = Pool(s_urgent);
        Send(pool, static slot => slot.Classes!.Say(s_urgent.Hint));
        for (int round = 0; round < Rounds; round++)
        {
            bool warps = round % 2 != 0;
            var share = new Share { Classes = [s_urgent with { WarpNs = warps ? 50_000_000 : 0 }] };
            (PcpuWorker owner, Placement moved) = Send(pool, _ => pool.Placements.First().Change(share));

            Assert.True(RestlessPool.Await(() => moved.Share == share));
            Assert.Equal(warps, Ask(owner, moved, () => ((BvtPolicy)owner.Policy).IsWarped(moved.Slot.PolicyEntry, pool.NowNs)));
        }
    }

    // One guest that computes, and says nothing but what a test has it say.
    private static RestlessPool Pool(ShareClass one)
    {
        var pool = new RestlessPool(2) { IsSilent = true };
        pool.Add(1, busy: true, new Share { Classes = [one] });
        pool.Start();
        return pool;
    }

    // Moves it to the other worker, having done something to it just before; returns who has it then.
    private static (PcpuWorker Owner, Placement Placement) Send(RestlessPool pool, Action<VcpuSlot>? before = null)
    {
        Placement placement = pool.Placements.First();
        PcpuWorker owner = placement.Owner;
        PcpuWorker to = pool.Workers.First(w => w != owner);
        Assert.True(Ask(owner, placement, () =>
        {
            before?.Invoke(placement.Slot);
            owner.Send(placement, to, pool.NowNs);
            return true;
        }));
        Assert.True(RestlessPool.Await(() => RestlessPool.Ask(to, () => to.Holds(placement))));
        return (to, placement);
    }

    // Of the worker that has it; with one busy guest nobody but the test moves it.
    private static T Ask<T>(PcpuWorker owner, Placement placement, Func<T> question) => RestlessPool.Ask(owner, () =>
    {
        Assert.True(owner.Holds(placement));
        return question();
    });

    private static long RanUrgent(RestlessPool pool) => pool.Workers.Sum(static worker => RestlessPool.Ask(worker, () =>
    {
        long ran = 0;
        for (int back = 0; worker.Recorder.TryLookBack(back, out TurnRecord turn); back++)
        {
            ran += turn.Class == "urgent" ? turn.RanNs : 0;
        }

        return ran;
    }));
}
