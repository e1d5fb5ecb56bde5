using System.Diagnostics;
using System.Globalization;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.Fuzz;

/// <summary>Random bytes as guest code: whatever they do ends in the guest.</summary>
[Collection(nameof(NativeCollection))]
public sealed class RandomCodeTests
{
    private const int RunsPerRound = 20;

    /// <summary>How long each case goes on: <c>BULKHEAD_FUZZ_SECONDS</c>.</summary>
    private static TimeSpan Length => TimeSpan.FromSeconds(Number("BULKHEAD_FUZZ_SECONDS", 15));

    private static int FirstSeed => Number("BULKHEAD_FUZZ_SEED", 1);

    [Theory]
    [InlineData(1, "")]
    [InlineData(1, "chain=off,jump-cache=off,return-stack=off")]
    [InlineData(1, "verify=on")]
    [InlineData(2, "cache=1,verify=on,page-windows=always")]
    [InlineData(2, "")]
    [InlineData(2, "page-windows=on")]
    [InlineData(2, "cache=1,relative-code=always")]
    [InlineData(2, "cache=1,relative-code=always,page-windows=always")]
    public void RandomCode_OnAnyNumberOfVcpus_EndsInTheGuest(int vcpus, string settings)
    {
        Assert.Null(EngineOptions.TryParse(settings, out EngineOptions options));
        var stops = new Dictionary<StopReason, int>();
        var watch = Stopwatch.StartNew();
        int seed = FirstSeed;
        for (; watch.Elapsed < Length; seed++)
        {
            using var guest = new RandomGuest(seed, vcpus, options);
            try
            {
                for (int round = 0; round < 10 && watch.Elapsed < Length; round++)
                {
                    guest.Round(RunsPerRound);
                }
            }
            catch (InvalidOperationException e)
            {
                Assert.Fail($"BULKHEAD_FUZZ_SEED={seed}, {vcpus} vCPUs, '{settings}': {e.Message}");
            }

            foreach ((StopReason stop, int count) in guest.Stops)
            {
                stops[stop] = stops.GetValueOrDefault(stop) + count;
            }
        }

        TestContext.Current.SendDiagnosticMessage("{0} guests: {1}", seed - FirstSeed, string.Join(", ", stops));
        Assert.True(stops.ContainsKey(StopReason.TripleFault) && stops.ContainsKey(StopReason.Kicked), string.Join(", ", stops));
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
