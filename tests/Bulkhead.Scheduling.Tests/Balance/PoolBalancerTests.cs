using Bulkhead.Core.Tests;
using Bulkhead.Scheduling.Balance;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Balance;

public sealed class PoolBalancerTests
{
    private const long Ms = 1_000_000;

    [Fact]
    public void ThreeOnTwoCpus_GetTwoThirdsEach_AndMoveNowAndThen()
    {
        var pool = new FluidPool(2, [1, 1, 1]);
        pool.Run(6_000);

        Assert.All(pool.Shares(), share => Assert.Equal(2.0 / 3, share, 0.002));
        Assert.InRange(pool.Moves / pool.Seconds, 5, 40);
    }

    [Fact]
    public void FourOnTwoCpus_NeverMove()
    {
        var pool = new FluidPool(2, [1, 1, 1, 1]);
        pool.Run(6_000);

        Assert.Equal(0, pool.Moves);
    }

    [Fact]
    public void OneThatWantsMoreThanACpu_HasOneToItself()
    {
        var pool = new FluidPool(2, [1, 1, 9]);
        pool.Run(6_000);

        Assert.Equal([0.5, 0.5, 1.0], pool.Shares().Select(share => Math.Round(share, 2)));
        Assert.InRange(pool.Moves, 1, 20);
    }

    [Fact]
    public void TwoOfADomain_AreKeptApart()
    {
        var pool = new FluidPool(2, [1, 1, 1, 1], domains: [0, 1, 0, 1]);
        pool.Run(200);

        Assert.NotEqual(pool.CpuOf(0), pool.CpuOf(2));
        Assert.NotEqual(pool.CpuOf(1), pool.CpuOf(3));
        long moves = pool.Moves;
        pool.Run(2_000);
        Assert.Equal(moves, pool.Moves);
    }

    [Fact]
    public void Bound_ToTheirCpus_StayThere()
    {
        var pool = new FluidPool(2, [1, 1, 1, 1, 1]);
        pool.Bind(0, 0);
        pool.Bind(2, 0);
        pool.Bind(4, 0);
        pool.Run(3_000);

        Assert.Equal([0, 0, 0], new[] { pool.CpuOf(0), pool.CpuOf(2), pool.CpuOf(4) });
        Assert.Equal(0, pool.Moves);
    }

    [Fact]
    public void Slept_GivesNoClaimToTheTimeSleptThrough()
    {
        var balancer = new PoolBalancer(2, 3);
        for (int look = 0; look < 100; look++)
        {
            Set(balancer, 0, cpu: 0, ran: 10 * Ms);
            Set(balancer, 1, cpu: 1, ran: 9 * Ms);
            Set(balancer, 2, cpu: 1, ran: Ms, slept: true);
            balancer.Look();
        }

        Assert.Equal(0, balancer.AheadNs(2), 1.0);
        Assert.True(balancer.AheadNs(0) > 0);
    }

    [Fact]
    public void Held_IsNotMoved()
    {
        var balancer = new PoolBalancer(2, 3);
        for (int i = 0; i < 3; i++)
        {
            Set(balancer, i, cpu: 0, ran: 10 * Ms / 3);
            balancer.Load(i).Movable = i == 1;
        }

        balancer.Look();

        Assert.True(balancer.TryNext(out PoolMove move));
        Assert.Equal(new PoolMove(1, 1), move);
        Assert.False(balancer.TryNext(out _));
    }

    [Fact]
    public void Look_AllocatesNothing()
    {
        var balancer = new PoolBalancer(2, 3);

        Assert.Equal(0, Allocations.LeastBytes(Looks));

        void Looks()
        {
            for (int look = 0; look < 50; look++)
            {
                for (int i = 0; i < 3; i++)
                {
                    Set(balancer, i, cpu: look / 5 % 2, ran: 10 * Ms / 3);
                }

                balancer.Look();
                while (balancer.TryNext(out _))
                {
                }
            }
        }
    }

    // Half a minute, of which the first two seconds are for finding places. 2% of a CPU is a tenth of what the worst would be off
    // without moves, and what is left of those with weights a hundred times those of others.
    [Fact]
    public void AnyWeights_SharesFollowThemOverThePool() =>
        Gen.Select(Gen.Int[2, 4], Gen.OneOf(Gen.Int[1, 4], Gen.Int[1, 20]).Array[3, 10], Gen.Int).Sample(
            (cpus, weights, seed) =>
            {
                var pool = new FluidPool(cpus, weights);
                pool.Scatter(new Random(seed));
                pool.Run(200);
                pool.Mark();
                pool.Run(3_000);
                double[] fair = new double[weights.Length];
                FairShares.Compute(weights, cpus, fair);
                double[] shares = [.. pool.Shares()];
                for (int i = 0; i < fair.Length; i++)
                {
                    Assert.True(Math.Abs(fair[i] - shares[i]) < 0.02, $"{cpus} CPUs, {string.Join(' ', weights)}: vCPU {i} got {shares[i]:F4}, fair is {fair[i]:F4}");
                }
            },
            iter: Math.Max(RandomSchedule.Count / 50, 1),
            threads: 1);

    private static void Set(PoolBalancer balancer, int vcpu, int cpu, long ran, bool slept = false)
    {
        ref VcpuLoad load = ref balancer.Load(vcpu);
        load = new VcpuLoad { Weight = 1, Domain = vcpu, Cpu = cpu, RanNs = ran, Runnable = true, Slept = slept, Movable = true };
    }
}
