using Bulkhead.Scheduling.Arinc653;
using CsCheck;

namespace Bulkhead.Scheduling.Tests.Arinc653;

/// <summary>Random major frames and vCPUs in their partitions.</summary>
internal sealed record RandomPartitions(MajorFrame Frame, int[] Partitions, long SliceNs, long OverrunNs, int Seed)
{
    public static readonly Gen<RandomPartitions> Any =
        Gen.Select(
            Gen.Select(Gen.Int[0, 3], Gen.Int[0, 20], Gen.Int[1, 30]).Array[1, 8],
            Gen.Int[0, 3].Array[1, 6],
            Gen.OneOf(Gen.Const(1L), Gen.Const(100_000L)),
            Gen.Long[1, 40],
            Gen.OneOf(Gen.Const(0L), Gen.Long[0, 30]),
            Gen.Int)
        .Select((windows, partitions, scale, slice, overrun, seed) =>
            new RandomPartitions(Make(windows, scale), partitions, slice * scale, overrun * scale, seed));

    /// <summary>The bound of a vCPU.</summary>
    public long Worst(int vcpu) => PartitionBounds.WorstDispatchNs(
        Frame, Partitions[vcpu], Partitions.Count(p => p == Partitions[vcpu]) - 1, SliceNs, OverrunNs);

    /// <summary>Runs it; <paramref name="prepare"/> hangs the checks in.</summary>
    public void Run(Action<Simulation, PartitionQueue, int[]> prepare)
    {
        var random = new Random(Seed);
        var queue = new PartitionQueue(Frame, SliceNs);
        var simulation = new Simulation(SimulatedQueue.Of(queue), OverrunNs, limit => random.NextInt64(limit + 1));
        int[] slots = [.. Partitions.Select(queue.Add)];
        foreach (int slot in slots)
        {
            _ = random.Next(4) == 0
                ? simulation.AddHungry(slot)
                : simulation.Add(
                    slot, random.NextInt64(Frame.LengthNs), () => 1 + random.NextInt64(SliceNs * 3), () => random.NextInt64(random.Next(3) == 0 ? 3 : Frame.LengthNs * 2));
        }

        prepare(simulation, queue, slots);
        simulation.Run(Frame.LengthNs * 20, 200);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"frame {Frame.LengthNs}: {string.Join("; ", Frame.Windows.ToArray())}; partitions {string.Join(' ', Partitions)} slice {SliceNs} overrun {OverrunNs} seed {Seed}";

    private static MajorFrame Make((int Partition, int Gap, int Length)[] windows, long scale)
    {
        long at = 0;
        var made = new List<PartitionWindow>();
        foreach ((int partition, int gap, int length) in windows)
        {
            at += gap / 10 * gap * scale;
            made.Add(new PartitionWindow(partition, at, length * scale));
            at += length * scale;
        }

        return new MajorFrame(at + (windows[0].Gap / 10 * scale), made.ToArray());
    }
}
