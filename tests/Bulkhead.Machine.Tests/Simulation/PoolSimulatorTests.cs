using Bulkhead.Machine.Simulation;
using Bulkhead.Machine.Time;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Simulation;

public sealed class PoolSimulatorTests
{
    // A policy may say that nobody may run for now although somebody is runnable, and until when.
    [Fact]
    public void Run_NobodyMayRunForNow_AsksAgainWhenToldTo()
    {
        var policy = new WindowPolicy(periodNs: 100, openNs: 30);
        var timeline = new Timeline(100);
        PoolSimulator simulator = Simulator(policy, timeline, "busy");

        simulator.Run(250);

        Assert.Equal([(0, 30), (100, 130), (200, 230)], timeline.Turns(0).Select(static t => (t.FromNs, t.ToNs)));
        Assert.Equal([0, 30, 100, 130, 200, 230], policy.AskedNs);
        Assert.Equal((90, 160), (simulator.Vcpus[0].RanNs, simulator.Cpus[0].IdleNs));
    }

    [Fact]
    public void Run_WakesWhileNobodyMayRun_WaitsForTheWindow()
    {
        var timeline = new Timeline(100);
        PoolSimulator simulator = Simulator(new WindowPolicy(periodNs: 100, openNs: 30), timeline, "periodic:100ns/10ns@50ns");

        simulator.Run(290);

        // The third is due at 250 and still waits at the end.
        Assert.Equal([(50, 100), (150, 200), (250, 290)], timeline.Waits(0).Select(static w => (w.WokenNs, w.DispatchedNs)));
        Assert.Equal(new DispatchLatency(3, 50, 50, 50, 50, 2), simulator.Vcpus[0].Summary(needNs: 40));
    }

    [Fact]
    public void Run_WorkComesInTheOverrun_GoesOnWithoutSleep()
    {
        var timeline = new Timeline(100);
        PoolSimulator simulator = Simulator(new WindowPolicy(periodNs: 1000, openNs: 30), timeline, "periodic:38ns/35ns", overrunNs: 20);

        simulator.Run(100);

        // The turn should end at 30 and goes on to 50; the work of 38 comes after the first is done at 35.
        Assert.Equal([(0, 35)], timeline.Turns(0).Select(static t => (t.FromNs, t.ToNs)));

        simulator = Simulator(new WindowPolicy(periodNs: 1000, openNs: 30), timeline = new Timeline(100), "periodic:34ns/35ns", overrunNs: 20);
        simulator.Run(100);
        Assert.Equal([(0, 50)], timeline.Turns(0).Select(static t => (t.FromNs, t.ToNs)));
    }

    private static PoolSimulator Simulator(IPolicy policy, Timeline timeline, string load, long overrunNs = 0)
    {
        var simulator = new PoolSimulator([policy], overrunNs, timeline);
        simulator.Place(new Share(), new WorkSource(Systems.Load(load), new SeededRandom(0, 0)));
        return simulator;
    }
}
