using Bulkhead.Scheduling.Classes;
using Bulkhead.Scheduling.FixedPriority;
using Bulkhead.Scheduling.Tests.Classes;
using CsCheck;

namespace Bulkhead.Scheduling.Tests.FixedPriority;

/// <summary>Random priorities and classes; who declares a period and a budget keeps to them, the others do as they like.</summary>
internal sealed record RandomPriorities(FixedPriorityVcpu[] All, long SliceNs, long OverrunNs, int Seed)
{
    private static readonly Gen<FixedPriorityParameters> s_own =
        Gen.Select(Gen.Int[0, 4], Gen.OneOf(Gen.Long[4, 60], Gen.Long[1_000, 100_000]), Gen.Int[1, 300], Gen.Int[0, 3])
            .Select((priority, period, part, declared) =>
                declared == 0 ? new FixedPriorityParameters(priority) : new(priority, period, Math.Max(period * part / 1000, 1)));

    private static readonly Gen<FixedPriorityClass[]> s_classes =
        Gen.Select(Gen.Int[0, 6], RandomRules.Any).Select(static (priority, rule) => new FixedPriorityClass(priority, rule)).Array[0, 3]
            .Select(static classes => classes.OrderByDescending(static c => c.Priority).ToArray());

    private static readonly Gen<FixedPriorityVcpu> s_vcpu = Gen.Select(s_own, s_classes).Select(static (own, classes) => new FixedPriorityVcpu(own, classes));

    public static readonly Gen<RandomPriorities> Any =
        Gen.Select(s_vcpu.Array[1, 7], Gen.OneOf(Gen.Long[1, 30], Gen.Long[1, 50_000]), Gen.OneOf(Gen.Const(0L), Gen.Long[0, 5_000]), Gen.Int)
            .Select((all, slice, overrun, seed) => new RandomPriorities(all, slice, overrun, seed));

    /// <summary>Runs it; <paramref name="prepare"/> hangs the checks in.</summary>
    public void Run(Action<Simulation, FixedPriorityQueue, int[]> prepare)
    {
        var random = new Random(Seed);
        var queue = new FixedPriorityQueue(SliceNs);
        var driven = SimulatedQueue.Of(queue) with { Enter = (slot, place) => queue.Change(slot, All[slot].PriorityIn(place)) };
        var simulation = new Simulation(driven, OverrunNs, limit => random.NextInt64(limit + 1));
        int[] slots = [.. All.Select(v => queue.Add(v.Own.Priority))];
        foreach (int slot in slots)
        {
            if (All[slot].Own.IsDeclared)
            {
                Declared(simulation, slot, All[slot].Own, random);
            }
            else if (random.Next(2) == 0)
            {
                _ = simulation.AddHungry(slot);
            }
            else
            {
                _ = simulation.Add(slot, random.NextInt64(100), () => 1 + random.NextInt64(SliceNs * 3), () => random.NextInt64(random.Next(3) == 0 ? 3 : 10_000));
            }

            if (All[slot].Classes.Count > 0)
            {
                ClassRule[] rules = [.. All[slot].Classes.Select(static c => c.Rule)];
                _ = simulation.Classify(slot, rules, () => random.NextInt64(SliceNs * 2), classes => RandomRules.Act(classes, random));
            }
        }

        prepare(simulation, queue, slots);
        simulation.Run(long.MaxValue / 4, 200);
    }

    /// <inheritdoc/>
    public override string ToString() => $"slice {SliceNs} overrun {OverrunNs} seed {Seed}: {string.Join("; ", All.Select(static v => $"{v.Own} {string.Join(", ", v.Classes)}"))}";

    private static void Declared(Simulation simulation, int slot, FixedPriorityParameters own, Random random)
    {
        // When it woke last, by its own clock: the wake-up may have been noticed later.
        long woke = random.Next(2) == 0 ? 0 : random.NextInt64(own.PeriodNs);
        _ = simulation.Add(
            slot,
            woke,
            () => random.Next(2) == 0 ? own.BudgetNs : 1 + random.NextInt64(own.BudgetNs),
            () =>
            {
                woke = Math.Max(simulation.NowNs, woke + own.PeriodNs) + (random.Next(2) == 0 ? 0 : random.NextInt64(own.PeriodNs));
                return woke - simulation.NowNs;
            });
    }
}
