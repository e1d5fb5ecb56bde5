using Bulkhead.Scheduling.Classes;
using Bulkhead.Scheduling.Tests.Classes;
using CsCheck;

namespace Bulkhead.Scheduling.Tests;

/// <summary>Random queues: parameters, classes, an allowance, an overrun and a seed for bursts and sleeps.</summary>
internal sealed record RandomSchedule(BvtVcpu[] Vcpus, long AllowanceNs, long OverrunNs, long ScaleNs, int Seed)
{
    private static readonly Gen<long> s_warp = Gen.OneOf(Gen.Const(0L), Gen.Long[0, 5_000], Gen.Long[0, 5_000_000]);
    private static readonly Gen<long> s_limit = Gen.OneOf(Gen.Const(0L), Gen.Long[1, 5_000], Gen.Long[1, 2_000_000]);

    private static readonly Gen<BvtParameters> s_parameters =
        Gen.Select(Gen.OneOf(Gen.Int[1, 8], Gen.Int[1, 1000], Gen.Const(BvtParameters.MaxWeight)), s_warp, s_limit, s_limit)
            .Select((weight, warp, limit, unwarp) => new BvtParameters
            {
                Weight = weight, WarpNs = warp, WarpLimitNs = limit, UnwarpNs = unwarp,
            });

    // The most urgent first.
    private static readonly Gen<BvtClass[]> s_classes =
        Gen.Select(s_warp, RandomRules.Any).Select(static (warp, rule) => new BvtClass(warp, rule)).Array[0, 3]
            .Select(static classes => classes.OrderByDescending(static c => c.WarpNs).ToArray());

    private static readonly Gen<BvtVcpu> s_vcpu = Gen.Select(s_parameters, s_classes).Select(static (own, classes) => new BvtVcpu(own, classes));

    public static readonly Gen<RandomSchedule> Any =
        Gen.Select(
            s_vcpu.Array[1, 6],
            Gen.OneOf(Gen.Long[1, 50], Gen.Long[1, 2_000_000]),
            Gen.OneOf(Gen.Const(0L), Gen.Long[0, 100_000]),
            Gen.OneOf(Gen.Const(20L), Gen.Const(2_000L), Gen.Const(1_000_000L)),
            Gen.Int)
        .Select((vcpus, allowance, overrun, scale, seed) => new RandomSchedule(vcpus, allowance, overrun, scale, seed));

    /// <summary>How many schedules to try: BULKHEAD_SCHEDULES, or a few thousand.</summary>
    public static long Count =>
        long.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_SCHEDULES"), out long count) ? count : 5_000;

    /// <summary>Runs the schedule for so many turns; <paramref name="prepare"/> hangs the checks in.</summary>
    public void Run(Action<Simulation, BvtQueue, int[]> prepare, bool hungry = false, int turns = 200)
    {
        var random = new Random(Seed);
        var queue = new BvtQueue(AllowanceNs);
        var slots = new int[Vcpus.Length];
        var driven = SimulatedQueue.Of(queue) with { Enter = (slot, place) => queue.Change(slot, Vcpus[Array.IndexOf(slots, slot)].In(place)) };
        var simulation = new Simulation(driven, OverrunNs, limit => random.NextInt64(limit + 1));
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = hungry || random.Next(4) == 0
                ? simulation.AddHungry(queue.Add(Vcpus[i].Own))
                : simulation.Add(queue.Add(Vcpus[i].Own), random.NextInt64(ScaleNs), () => 1 + Length(random), () => Length(random));
            if (Vcpus[i].Classes.Count > 0)
            {
                ClassRule[] rules = [.. Vcpus[i].Classes.Select(static c => c.Rule)];
                _ = simulation.Classify(slots[i], rules, () => Length(random), classes => RandomRules.Act(classes, random));
            }
        }

        prepare(simulation, queue, slots);
        simulation.Run(long.MaxValue / 4, turns);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"C {AllowanceNs} overrun {OverrunNs} scale {ScaleNs} seed {Seed}: {string.Join("; ", Vcpus.Select(static v => $"{v.Own} {string.Join(", ", v.Classes)}"))}";

    private long Length(Random random) => random.NextInt64(random.Next(5) == 0 ? ScaleNs * 20 : ScaleNs);
}
