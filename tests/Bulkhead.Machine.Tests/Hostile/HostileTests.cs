using System.Globalization;
using Bulkhead.Core.Time;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Domains;
using Bulkhead.Scheduling;
using Xunit;

namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>Beside whatever a neighbour does, a vCPU that must answer waits no longer than was computed, and nobody gets more than its
/// weight says. In virtual time, so without a tolerance.</summary>
public sealed class HostileTests
{
    /// <summary>How long a turn goes on after its end in virtual time: not at all, it ends between two instructions.</summary>
    private const long OverrunNs = 0;

    /// <summary>How long: <c>BULKHEAD_HOSTILE_MS</c> of virtual time.</summary>
    private static long EndNs =>
        1_000_000 * (int.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_HOSTILE_MS"), CultureInfo.InvariantCulture, out int n) ? n : 5);

    public static TheoryData<Attack, bool> All
    {
        get
        {
            var all = new TheoryData<Attack, bool>();
            foreach (Attack attack in Enum.GetValues<Attack>())
            {
                all.Add(attack, false);
                all.Add(attack, true);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Victim_BesideAnAttacker_WaitsNoLongerThanComputed(Attack attack, bool attackerWarps)
    {
        using var machine = new HostileMachine(attack, attackerWarps, EndNs);
        machine.Run();

        VcpuSchedule bound = VcpuSchedule.Compute(machine.System, OverrunNs)[0];
        (long count, long longest) = Latencies(machine.Runner.Domains[0].Slots[0]);
        Assert.InRange(count, (EndNs / Victim.PeriodNs) - 2, EndNs / Victim.PeriodNs);
        Assert.True(longest <= Rounded(bound.LevelDispatchNs), $"waited {longest} ns, at most {bound.LevelDispatchNs} was computed");
        AssertShares(machine);
    }

    // Who is always runnable has run exactly its A times its weight. Who sleeps has run no more than that, since sleeping only moves
    // A on. And no A is ahead of the least one, so of the bystander's, by more than the lag.
    private static void AssertShares(HostileMachine machine)
    {
        double level = machine.Runner.Domains[2].Slots[0].RanNs / (double)HostileMachine.BystanderWeight;
        for (int i = 0; i < 2; i++)
        {
            DomainConfig domain = machine.System.Domains[i];
            long lag = BvtBounds.LagNs(domain.Share.BvtVcpu, HostileMachine.AllowanceNs, OverrunNs);
            foreach (VcpuSlot slot in machine.Runner.Domains[i].Slots)
            {
                double ran = slot.RanNs / (double)domain.Weight;
                Assert.True(ran <= level + lag, $"{domain.Name}/{slot.Index} ran {ran} ns by its weight, the bystander {level}, the lag is {lag}");
            }
        }
    }

    private static (long Count, long Longest) Latencies(VcpuSlot slot)
    {
        var counts = new long[LatencyHistogram.Classes];
        slot.DispatchLatency.AddTo(counts);
        _ = LatencyHistogram.TryPercentile(counts, 100, out long longest);
        return (counts.Sum(), longest);
    }

    // To the end of its class, as the histogram tells it.
    private static long Rounded(long ns)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(ns);
        var counts = new long[LatencyHistogram.Classes];
        histogram.AddTo(counts);
        _ = LatencyHistogram.TryPercentile(counts, 100, out long longest);
        return longest;
    }
}
