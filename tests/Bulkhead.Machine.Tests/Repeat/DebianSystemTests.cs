using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>Two Debians on one clock made of instructions: the same file, seed and inputs give the same state.</summary>
public sealed class DebianSystemTests
{
    private const ulong Instructions = 1_000_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Run_TwoDomainsTwice_SameStateAndOutput(int cpus)
    {
        (ulong hash, string control, string other) = Run(seed: 1, Instructions, cpus);
        Assert.Contains("Linux version", control, StringComparison.Ordinal);
        Assert.Contains("smp: Brought up 1 node, 2 CPUs", other, StringComparison.Ordinal);
        Assert.Equal((hash, control, other), Run(seed: 1, Instructions, cpus));
    }

    [Fact]
    public void Run_OtherSeed_OtherState() =>
        Assert.NotEqual(Run(seed: 1, 1000).Hash, Run(seed: 2, 1000).Hash);

    private static (ulong Hash, string Control, string Other) Run(ulong seed, ulong instructions, int cpus = 1)
    {
        StringBuilder[] output = [new(), new()];
        using TranslatorEngines engines = TranslatorEngines.Create($"{TranslatorEngines.AmongOthers},{TranslatorEngines.Counting}");
        var request = new MachineRequest
        {
            Domains =
            [
                Domain("control", "script", 1, output[0]) with { Share = new Share(1, 50_000_000) },
                Domain("other", "burn", 2, output[1]),
            ],
            Pools = [new PoolRequest { Cpus = [.. Enumerable.Range(0, cpus)] }],
            InstructionClock = true,
            Seed = seed,
            EndAfterInstructions = instructions,
        };
        using MachineRunner runner = MachineRunner.Build(request, engines.Seam);
        runner.Start();
        if (!runner.Wait(300_000))
        {
            runner.Stop(1, "too long");
            _ = runner.Wait();
        }

        Assert.All(runner.Results(), static r => Assert.Equal("stopped at the virtual time asked for", r.Message));
        return (runner.StateHash(), output[0].ToString(), output[1].ToString());
    }

    private static DomainRequest Domain(string name, string task, int vcpus, StringBuilder output)
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        return new DomainRequest
        {
            Name = name,
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            Vcpus = vcpus,
            MemoryBytes = 128 << 20,
            CommandLine = $"bulkhead.task={task}",
            Serial = data => output.Append(Encoding.UTF8.GetString(data)),
        };
    }
}
