using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>A network between domains on a clock made of instructions: frames come at the same instructions every time.</summary>
public sealed class NetworkRepeatTests
{
    private const long EndNs = 8_000_000_000;

    [Fact]
    public void Run_TwoDebiansOnANetwork_SameStateAndFrames()
    {
        (ulong hash, string frames) = Run();

        Assert.DoesNotContain("Received = 0", frames, StringComparison.Ordinal); // IPv6 looks for neighbors and routers
        Assert.Equal((hash, frames), Run());
    }

    private static (ulong Hash, string Frames) Run()
    {
        using TranslatorEngines engines = TranslatorEngines.Create($"{TranslatorEngines.AmongOthers},{TranslatorEngines.Counting}");
        var request = new MachineRequest
        {
            Domains = [Domain("a"), Domain("b")],
            Networks = [new NetworkRequest("lan", NetworkRequest.DefaultMtu, [new NetworkRule { From = "any", To = "any" }])],
            InstructionClock = true,
            Seed = 1,
            EndAtNs = EndNs,
        };
        using MachineRunner runner = MachineRunner.Build(request, engines.Seam);
        runner.Start();
        bool ended = runner.Wait(300_000);
        if (!ended)
        {
            runner.Stop(1, "too long");
            _ = runner.Wait();
        }

        Assert.True(ended);
        return (runner.StateHash(), string.Join('\n', runner.Networks()[0].Ports));
    }

    private static DomainRequest Domain(string name)
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        return new DomainRequest
        {
            Name = name,
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            MemoryBytes = 128 << 20,
            CommandLine = "quiet bulkhead.task=shell",
            Nets = [new NetRequest { Network = "lan" }],
        };
    }
}
