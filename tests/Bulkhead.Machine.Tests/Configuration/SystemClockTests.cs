using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Admission;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class SystemClockTests
{
    private const string Domains = "domains: [{name: a, image: d, vcpus: 4}, {name: b, image: d}]\n";

    [Fact]
    public void Parse_NoClock_IsReal()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", Domains);

        Assert.Equal((SystemClock.Real, 1, false), (system.Clock, system.Seed, system.IsVirtual));
    }

    [Fact]
    public void Parse_VirtualClock_HasTheSeed()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", Domains + "clock: virtual\nseed: 7\n");

        Assert.Equal((SystemClock.Virtual, 7, true), (system.Clock, system.Seed, system.IsVirtual));
        Assert.Contains(TranslatorEngines.Counting, TranslatorEngines.OptionsFor(system), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clock: virtaul", "s.yaml:2:8: clock: \"virtaul\" is not known; one of real, virtual; did you mean virtual?")]
    [InlineData("seed: 3", "s.yaml:2:7: seed: has no virtual clock; seed goes with clock: virtual")]
    [InlineData("seed: x\nclock: virtual", "s.yaml:2:7: seed: \"x\" does not fit; a whole number from 0 to 2147483647")]
    public void Parse_WrongClock_SaysWhereAndWhat(string fields, string start)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", Domains + fields + "\n"));

        Assert.StartsWith(start, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AllowedCpus_VirtualClock_AreThoseOfTheFileOnAnyHost()
    {
        SystemConfig system = SystemFile.Parse(
            "s.yaml",
            "clock: virtual\npools: [{name: p, cpus: [5-6]}, {name: q, cpus: [last]}]\ndomains: [{name: a, image: d, pool: p}]\n");

        IReadOnlyList<int> allowed = system.AllowedCpus([0]);
        Assert.Equal([[5, 6], [7]], system.Pools.Select(p => p.ResolveCpus(allowed)));
        Assert.Equal([0], (system with { Clock = SystemClock.Real }).AllowedCpus([0]));
    }

    [Fact]
    public void Load_DeterministicExample_IsVirtual()
    {
        string folder = Path.GetDirectoryName(SystemFileTests.Example()) ?? throw new InvalidOperationException("no folder");
        SystemConfig system = SystemFile.Load(Path.Combine(folder, "deterministic.yaml"));

        Assert.True(system.IsVirtual);
        Assert.Equal(2, system.Domains.Count);
        Assert.NotEmpty(VcpuSchedule.Admit(system));
    }
}
