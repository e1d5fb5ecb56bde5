using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class VcpuScheduleTests
{
    [Fact]
    public void Compute_Example_ControlIsFirstUntilItsLoanIsUsedUp()
    {
        IReadOnlyList<VcpuSchedule> all =
            VcpuSchedule.Compute(SystemFile.Load(SystemFileTests.Example()), overrunNs: 99_999);

        // Lag: W + C + overrun + 1. Worst: control's warp may be lost, so infotainment runs off all of control's lag,
        // and one allowance more. Infotainment waits for all control can borrow, and is at most one allowance ahead.
        Assert.Equal(
            [
                new VcpuSchedule("control", 0, "shared", 51_100_000, 50_000_000, 0, 52_200_000),
                new VcpuSchedule("infotainment", 0, "shared", 1_100_000, 0, 51_100_000, 52_200_000),
            ],
            all);
    }

    [Fact]
    public void Compute_SeveralPools_CountsOnlyTheOwn()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            pools: [{name: p, cpus: [0]}, {name: q, cpus: [1]}]
            domains:
              - {name: a, image: debian, pool: p, vcpus: 2}
              - {name: b, image: debian, pool: q}
            """);

        IReadOnlyList<VcpuSchedule> all = VcpuSchedule.Compute(system, overrunNs: 0);

        Assert.Equal([("a", 0), ("a", 1), ("b", 0)], all.Select(one => (one.Domain, one.Vcpu)));
        Assert.Equal([1_000_001L, 1_000_001L, 0L], all.Select(one => one.LevelDispatchNs));
    }
}
