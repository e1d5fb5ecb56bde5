using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Balance;

public sealed class MigrationTests
{
    // Whoever is moved whenever and wherever to: what the lag is bounded by on one CPU bounds it on each.
    [Fact]
    public void LagNs_AnyMoves_HoldsAtEveryInstantOnEveryCpu() =>
        Gen.Select(RandomSchedule.Any, Gen.Int[2, 4], Gen.Int).Sample(
            (schedule, cpus, seed) =>
            {
                var random = new Random(seed);
                var queues = new MigratingQueues(schedule, cpus, hungry: false);
                var svts = new Int128[cpus];
                queues.Check = () =>
                {
                    for (int cpu = 0; cpu < cpus; cpu++)
                    {
                        Int128 svt = queues.Queues[cpu].Svt;
                        Assert.True(svt >= svts[cpu], $"SVT of CPU {cpu} fell");
                        svts[cpu] = svt;
                    }

                    int i = 0;
                    foreach ((int cpu, int slot) in queues.Places)
                    {
                        if (slot < 0)
                        {
                            i++;
                            continue;
                        }

                        long bound = BvtBounds.LagNs(schedule.Vcpus[i], schedule.AllowanceNs, schedule.OverrunNs);
                        Int128 lag = queues.Queues[cpu].Actual(slot) - svts[cpu];
                        Assert.True(lag <= VirtualTime.Scale(bound), $"vCPU {i}: lag {VirtualTime.Floor(lag)} > {bound}");
                        Assert.True(lag >= 0 || !queues.Queues[cpu].IsRunnable(slot), $"vCPU {i} is behind SVT");
                        i++;
                    }
                };
                queues.Run(200, () => random.Next(3) == 0 ? (random.Next(schedule.Vcpus.Length), random.Next(cpus)) : null);
            },
            iter: RandomSchedule.Count,
            threads: 1);

    // Everything that was run is with somebody still, and no CPU ran more than there was time.
    [Fact]
    public void Attach_AnyMoves_KeepsWhatWasRun() =>
        Gen.Select(RandomSchedule.Any, Gen.Int).Sample(
            (schedule, seed) =>
            {
                var random = new Random(seed);
                var queues = new MigratingQueues(schedule, 2, hungry: true);
                queues.Run(200, () => random.Next(4) == 0 ? (random.Next(schedule.Vcpus.Length), random.Next(2)) : null);
                long ran = queues.Places.Where(static p => p.Slot >= 0).Sum(place => queues.Queues[place.Cpu].RanNs(place.Slot));
                Assert.True(ran <= queues.RanNs && (ran == queues.RanNs || queues.Places.Any(static p => p.Slot < 0)));
                Assert.True(queues.RanNs <= 2 * queues.NowNs);
            },
            iter: RandomSchedule.Count / 5,
            threads: 1);
}
