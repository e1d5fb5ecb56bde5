using Xunit;

namespace Bulkhead.Scheduling.Tests;

public sealed class BvtVectorTests
{
    [Fact]
    public void Pick_GccAndBigsim_RunsTheExactTurns()
    {
        var queue = new BvtQueue(allowanceNs: 2);
        var simulation = new Simulation(SimulatedQueue.Of(queue));
        int gcc = simulation.AddHungry(queue.Add(new BvtParameters { Weight = 2 }));
        int bigsim = simulation.AddHungry(queue.Add(new BvtParameters { Weight = 1 }));

        simulation.Run(600);

        Assert.Equal(
            [(gcc, 0, 2), (bigsim, 2, 5), (gcc, 5, 11), (bigsim, 11, 14), (gcc, 14, 20), (bigsim, 20, 23)],
            simulation.Turns.Take(6));
        Assert.Equal((399, 201, 134), (queue.RanNs(gcc), queue.RanNs(bigsim), simulation.Switches));
    }

    [Fact]
    public void Pick_MpegWarps_RunsUnsplitAndAtOnce()
    {
        var queue = new BvtQueue(allowanceNs: 2);
        var simulation = new Simulation(SimulatedQueue.Of(queue));
        int gcc = simulation.AddHungry(queue.Add(new BvtParameters { Weight = 2 }));
        int bigsim = simulation.AddHungry(queue.Add(new BvtParameters { Weight = 1 }));
        int wakes = 0;
        int mpeg = simulation.Add(
            queue.Add(new BvtParameters { Weight = 1, WarpNs = 50 }), 5, () => 5, () => ++wakes < 5 ? 15 : long.MaxValue);

        simulation.Run(100);

        Assert.Equal(
            [(mpeg, 5, 10), (mpeg, 25, 30), (mpeg, 45, 50), (mpeg, 65, 70), (mpeg, 85, 90)],
            simulation.Turns.Where(turn => turn.Slot == mpeg));
        Assert.Equal((50, 25, 25), (queue.RanNs(gcc), queue.RanNs(bigsim), queue.RanNs(mpeg)));
        Assert.Equal(23, simulation.Switches);
    }
}
