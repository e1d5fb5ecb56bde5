using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Balance;

/// <summary>vCPUs that are moved all the time, while others wake, pause and stop them and their timers fire.</summary>
public sealed class MoveStressTests
{
    private const int Cpus = 3;
    private const int Rounds = 4_000;

    [Fact]
    public void Move_UnderWakeStorms_LosesNothing()
    {
        using RestlessPool pool = Pool();
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
        {
            // Anyone anywhere, runnable, asleep or paused.
            Placement mover = pool.Placements.ElementAt(random.Next(pool.Vcpus.Count));
            PcpuWorker owner = mover.Owner;
            PcpuWorker to = pool.Workers[random.Next(Cpus)];
            owner.Post(() =>
            {
                if (mover.IsHere && mover.Owner == owner && to != owner)
                {
                    owner.Send(mover, to, pool.NowNs);
                }
            });
            for (int i = 0; i < 5; i++)
            {
                pool.Vcpus[random.Next(pool.Vcpus.Count)].Ask();
            }

            Domain domain = pool.Domains[random.Next(pool.Domains.Count)];
            if (round % 8 == 0)
            {
                domain.Pause();
            }

            if (round % 8 == 4)
            {
                pool.Domains.ToList().ForEach(static d => d.Resume());
            }

            if (round % 64 == 0)
            {
                AssertAllAnswer(pool, round);
            }
        }

        AssertAllAnswer(pool, Rounds);
        AssertTimersFire(pool);
        Assert.True(pool.Moves > Rounds / 4, $"{pool.Moves} moves");
        AssertAllStop(pool);
    }

    [Fact]
    public void Give_UnderWakeStorms_LosesNothing()
    {
        using RestlessPool pool = Pool();
        var random = new Random(2);
        for (int round = 0; round < Rounds; round++)
        {
            pool.Vcpus[random.Next(pool.Vcpus.Count)].Ask();
            if (round % 16 == 0)
            {
                AssertAllAnswer(pool, round);
            }
        }

        AssertTimersFire(pool);
        Assert.True(pool.Moves > 0);
        AssertAllStop(pool);
    }

    [Fact]
    public void Change_OfOneThatMoves_ArrivesAlways()
    {
        using RestlessPool pool = Pool();
        var random = new Random(3);
        for (int round = 1; round <= 500; round++)
        {
            Placement mover = pool.Placements.ElementAt(random.Next(pool.Vcpus.Count));
            PcpuWorker owner = mover.Owner;
            PcpuWorker to = pool.Workers[random.Next(Cpus)];
            owner.Post(() =>
            {
                if (mover.IsHere && mover.Owner == owner && to != owner)
                {
                    owner.Send(mover, to, pool.NowNs);
                }
            });
            Share share = RestlessPool.Urgent with { Weight = round, Classes = [.. RestlessPool.Urgent.Classes, new ShareClass($"c{round}") { Hint = 3 }] };
            mover.Change(share);
            Assert.True(
                RestlessPool.Await(() => mover.Share == share && mover.Slot.Classes?.Names[3] == $"c{round}"), $"round {round}: the share or its classes got lost");
        }
    }

    [Fact]
    public void ChangePolicy_ToOneThatDoesNotMove_SendsAllHome()
    {
        using RestlessPool pool = Pool();
        Assert.True(RestlessPool.Await(() => pool.Moves > 100));
        for (int round = 0; round < 20; round++)
        {
            pool.Pool.Change(static () => new FixedPriorityPolicy(200_000), static _ => new Share { Priority = 3 });
            Assert.True(RestlessPool.Await(() => AllHome(pool)), "somebody is not at home");
            AssertAllAnswer(pool, round);
            pool.Pool.Change(static () => new BvtPolicy(200_000), static _ => new Share(2));
            long moves = pool.Moves;
            Assert.True(RestlessPool.Await(() => pool.Moves > moves + 10), "nobody moves any more");
        }

        AssertAllStop(pool);
    }

    [Fact]
    public void Change_WithAnEra_AllAreInItAtOnce_AndItBeginsWhenAllWorkersGoByIt()
    {
        using RestlessPool pool = Pool();
        Assert.True(RestlessPool.Await(() => pool.Moves > 100));
        for (int round = 0; round < 50; round++)
        {
            var era = new SomeEra();
            long asked = pool.NowNs;
            var share = new Share(1 + round);
            if (round % 2 == 0)
            {
                pool.Pool.Change(static () => new BvtPolicy(200_000), _ => share, era);
            }
            else
            {
                pool.Pool.Change(pool.Domains[0], share, era);
            }

            Assert.All(pool.Placements, placement => Assert.Same(era, placement.Slot.Era));
            Assert.True(RestlessPool.Await(() => era.SinceNs != long.MaxValue), "it never begins");
            Assert.InRange(era.SinceNs, asked, pool.NowNs);

            // Who was on the way may take it on where it arrives, before its next turn.
            Assert.True(RestlessPool.Await(() => pool.Pool.PlacementsOf(pool.Domains[0]).All(p => p.Share == share)));
        }

        AssertAllStop(pool);
    }

    [Fact]
    public void Change_DeclaresALatency_ItGoesHomeAndOthersLeave()
    {
        using RestlessPool pool = Pool();
        Assert.True(RestlessPool.Await(() => pool.Moves > 100));
        for (int round = 0; round < 20; round++)
        {
            Domain domain = pool.Domains[round % pool.Domains.Count];
            pool.Pool.Change(domain, new Share { HasDeadline = true });
            PcpuWorker[] closed = [.. pool.Pool.PlacementsOf(domain).Select(static p => p.Home).Distinct()];
            Assert.True(RestlessPool.Await(() => closed.All(worker => RestlessPool.Ask(worker, () =>
                pool.Pool.PlacementsOf(domain).Where(p => p.Home == worker).All(worker.Holds) && pool.Placements.All(p => p.Home == worker || !worker.Holds(p))))));
            long[] moves = [.. domain.Vcpus.Select(static v => v.Moves)];
            AssertAllAnswer(pool, round);
            Assert.Equal(moves, domain.Vcpus.Select(static v => v.Moves));
            pool.Pool.Change(domain, new Share());
        }

        AssertAllStop(pool);
    }

    private static RestlessPool Pool()
    {
        var pool = new RestlessPool(Cpus);
        pool.Add(2, share: RestlessPool.Urgent);
        pool.Add(1, busy: true, RestlessPool.Urgent);
        pool.Add(1);
        pool.Add(3);
        pool.Start();
        return pool;
    }

    private static bool AllHome(RestlessPool pool) =>
        pool.Workers.All(worker => RestlessPool.Ask(worker, () => pool.Placements.Where(p => p.Home == worker).All(worker.Holds)));

    private static void AssertAllAnswer(RestlessPool pool, int round)
    {
        pool.Domains.ToList().ForEach(static d => d.Resume());
        foreach (RestlessVcpu vcpu in pool.Vcpus)
        {
            vcpu.Ask();
            long asked = vcpu.Questions.Asked;
            Assert.True(RestlessPool.Await(() => vcpu.Questions.Answered >= asked), $"round {round}: a wake-up got lost");
            Assert.Null(vcpu.Problem);
        }
    }

    // One round of each timer and one more, without anybody's help.
    private static void AssertTimersFire(RestlessPool pool)
    {
        foreach (RestlessVcpu vcpu in pool.Vcpus)
        {
            long fired = vcpu.Timers.Fired;
            Assert.True(RestlessPool.Await(() => vcpu.Timers.Fired > fired + 2), "a timer got lost");
        }
    }

    private static void AssertAllStop(RestlessPool pool)
    {
        foreach (Domain domain in pool.Domains)
        {
            domain.Stop(0, "the end");
        }

        Assert.True(RestlessPool.Await(() => pool.Domains.All(static d => d.IsOff)), "somebody was not parked");
    }

    private sealed class SomeEra : ScheduleEra;
}
