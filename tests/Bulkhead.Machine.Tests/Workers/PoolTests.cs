using Bulkhead.Host;
using Bulkhead.Host.Threads;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Boot;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

public sealed class PoolTests : IDisposable
{
    private readonly string _kernel = Path.GetTempFileName();

    public PoolTests() => File.WriteAllBytes(_kernel, SyntheticKernel.Pvh([0xF4]));

    public void Dispose() => File.Delete(_kernel);

    [Fact]
    public void Build_TwoPools_EachHasItsCpusAndAllowance()
    {
        int[] allowed = HostThread.AllowedCpus();
        Assert.SkipWhen(allowed.Length < 2, "needs two CPUs");
        using MachineRunner runner = Build(
            [Pool("a", allowed[1], 500_000), Pool("b", allowed[0], 2_000_000)], Domain("one", 2, 1), Domain("two", 1, 0), Domain("three", 1, 1));

        Assert.Equal([(allowed[0], 2_000_000), (allowed[0], 2_000_000)], Places(runner.Domains[0]));
        Assert.Equal([(allowed[1], 500_000)], Places(runner.Domains[1]));
        Assert.Equal([(allowed[0], 2_000_000)], Places(runner.Domains[2]));
    }

    [Fact]
    public void Build_OnePoolOfTwoCpus_DealsVcpusInTurn()
    {
        int[] allowed = HostThread.AllowedCpus();
        Assert.SkipWhen(allowed.Length < 2, "needs two CPUs");
        using MachineRunner runner = Build([new PoolRequest { Cpus = allowed[..2] }], Domain("one", 1, 0), Domain("two", 2, 0));

        Assert.Equal([allowed[0]], Places(runner.Domains[0]).Select(static p => p.Cpu));
        Assert.Equal([allowed[1], allowed[0]], Places(runner.Domains[1]).Select(static p => p.Cpu));
    }

    [Fact]
    public void Build_CpuInTwoPools_NamesBoth()
    {
        int cpu = HostThread.AllowedCpus()[0];

        OperatorException e = Assert.Throws<OperatorException>(() => Build([Pool("a", cpu, 1000), Pool("b", cpu, 1000)], Domain("one", 1, 0)));

        Assert.Equal(2, e.ExitCode);
        Assert.Contains($"pool b: host CPU {cpu} belongs to pool a already", e.Message, StringComparison.Ordinal);
    }

    private static PoolRequest Pool(string name, int cpu, long allowanceNs) => new() { Name = name, Cpus = [cpu], AllowanceNs = allowanceNs };

    private DomainRequest Domain(string name, int vcpus, int pool) =>
        new() { Name = name, KernelPath = _kernel, MemoryBytes = 64 << 20, Vcpus = vcpus, Pool = pool };

    private static MachineRunner Build(PoolRequest[] pools, params DomainRequest[] domains) =>
        MachineRunner.Build(new MachineRequest { Domains = domains, Pools = pools }, new EngineSeam(static _ => new IdleVcpu(), static () => (ulong)System.Diagnostics.Stopwatch.GetTimestamp()));

    private static (int Cpu, long AllowanceNs)[] Places(Domain domain) =>
        [.. domain.Vcpus.Select(static v => v.Worker).OfType<Placement>().Select(static p => p.Owner).Select(static w => (w.Cpu, w.Policy is BvtPolicy bvt ? bvt.AllowanceNs : 0))];
}
