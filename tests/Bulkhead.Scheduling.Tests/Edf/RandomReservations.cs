using Bulkhead.Scheduling.Edf;
using CsCheck;

namespace Bulkhead.Scheduling.Tests.Edf;

/// <summary>Random sets of reservations that fit, with vCPUs without any beside them.</summary>
internal sealed record RandomReservations(EdfParameters[] Vcpus, long SliceNs, long OverrunNs, int Seed)
{
    private static readonly Gen<EdfParameters> s_reservation =
        Gen.Select(
            Gen.OneOf(Gen.Long[2, 40], Gen.Long[50, 5_000], Gen.Long[1_000_000, 60_000_000]),
            Gen.Int[1, 1000],
            Gen.Bool)
        .Select((period, part, extra) => new EdfParameters
        {
            PeriodNs = period, BudgetNs = Math.Max(period * part / 1000, 1), Extra = extra,
        });

    public static readonly Gen<RandomReservations> Any =
        Gen.Select(
            Gen.Frequency((4, s_reservation), (1, Gen.Const(default(EdfParameters)))).Array[1, 7],
            Gen.OneOf(Gen.Long[1, 50], Gen.Long[1, 2_000_000]),
            Gen.OneOf(Gen.Const(0L), Gen.Long[0, 100_000]),
            Gen.Bool,
            Gen.Int)
        .Select((vcpus, slice, overrun, full, seed) => Make(vcpus, slice, overrun, full, seed));

    /// <summary>Runs it; <paramref name="prepare"/> hangs the checks in.</summary>
    public void Run(Action<Simulation, EdfQueue, int[]> prepare, int turns = 200)
    {
        var random = new Random(Seed);
        var queue = new EdfQueue(SliceNs);
        var simulation = new Simulation(SimulatedQueue.Of(queue), OverrunNs, limit => random.NextInt64(limit + 1));
        int[] slots = [.. Vcpus.Select(v => queue.Add(v))];
        for (int i = 0; i < slots.Length; i++)
        {
            long scale = Vcpus[i].IsReserved ? Vcpus[i].BudgetNs * 2 : SliceNs * 2;
            long pause = Vcpus[i].IsReserved ? Vcpus[i].PeriodNs * 2 : SliceNs * 20;
            _ = random.Next(4) == 0
                ? simulation.AddHungry(slots[i])
                : simulation.Add(slots[i], random.NextInt64(pause), () => 1 + random.NextInt64(scale), () => random.NextInt64(random.Next(3) == 0 ? 3 : pause));
        }

        prepare(simulation, queue, slots);
        simulation.Run(long.MaxValue / 4, turns);
    }

    /// <inheritdoc/>
    public override string ToString() => $"slice {SliceNs} overrun {OverrunNs} seed {Seed}: {string.Join("; ", Vcpus)}";

    // Those that do not fit beside the ones before them lose their reservation; of a full pCPU the last gets all that it may.
    private static RandomReservations Make(EdfParameters[] vcpus, long sliceNs, long overrunNs, bool full, int seed)
    {
        long overrun = overrunNs;
        int last = full ? Array.FindLastIndex(vcpus, static v => v.IsReserved) : -1;
        for (int i = 0; i < vcpus.Length; i++)
        {
            double rest = 1 - vcpus.Take(i).Sum(static v => v.IsReserved ? (double)v.BudgetNs / v.PeriodNs : 0);
            if (i == last)
            {
                long most = Math.Clamp((long)(vcpus[i].PeriodNs * rest), 1, vcpus[i].PeriodNs);
                vcpus[i] = vcpus[i] with { BudgetNs = most };
            }

            if (!EdfBounds.Fits(vcpus.AsSpan(0, i + 1)))
            {
                vcpus[i] = default;
            }

            overrun = vcpus[i].IsReserved ? Math.Min(overrun, vcpus[i].BudgetNs) : overrun;
        }

        return new RandomReservations(vcpus, sliceNs, overrun, seed);
    }
}
