using Bulkhead.Scheduling.Balance;
using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Balance;

public sealed class FairSharesTests
{
    [Theory]
    [InlineData("1 1 1", 2, "0.6667 0.6667 0.6667")]
    [InlineData("2 2 1", 2, "0.8000 0.8000 0.4000")]
    [InlineData("3 1 1", 2, "1.0000 0.5000 0.5000")]
    [InlineData("9 4 1", 3, "1.0000 1.0000 1.0000")]
    [InlineData("9 4 1 1", 3, "1.0000 1.0000 0.5000 0.5000")]
    [InlineData("5 0 1", 1, "0.8333 0.0000 0.1667")]
    [InlineData("1 1", 4, "1.0000 1.0000")]
    public void Compute_Weights_GivesNobodyMoreThanACpu(string weights, int cpus, string expected)
    {
        int[] numbers = [.. weights.Split(' ').Select(int.Parse)];
        double[] shares = new double[numbers.Length];
        FairShares.Compute(numbers, cpus, shares);

        Assert.Equal(expected, string.Join(' ', shares.Select(s => s.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void Compute_AnyWeights_HandsOutAllCpusThatCanBeUsed() =>
        Gen.Select(Gen.Int[0, 1000].Array[1, 20], Gen.Int[1, 8]).Sample(
            (weights, cpus) =>
            {
                double[] shares = new double[weights.Length];
                FairShares.Compute(weights, cpus, shares);
                Assert.Equal(Math.Min(cpus, weights.Count(w => w > 0)), shares.Sum(), 1e-6);
                for (int i = 0; i < weights.Length; i++)
                {
                    Assert.InRange(shares[i], 0, 1);
                    Assert.True(weights[i] > 0 || shares[i] == 0);
                    for (int j = 0; j < i; j++)
                    {
                        // By weight, unless one of the two has a whole CPU.
                        Assert.True(shares[i] == 1 || shares[j] == 1 || Math.Abs((shares[i] * weights[j]) - (shares[j] * weights[i])) < 1e-6);
                        Assert.True(weights[i] <= weights[j] || shares[i] >= shares[j]);
                    }
                }
            },
            iter: RandomSchedule.Count,
            threads: 1);
}
