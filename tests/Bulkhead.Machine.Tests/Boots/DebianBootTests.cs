using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Unmodified Debian kernels on the translator, from power-up to the end of the initramfs's script.</summary>
public sealed class DebianBootTests
{
    private const int LongestMs = 300_000;

    [Theory]
    [InlineData("debian", 1)]
    [InlineData("debian", 2)]
    [InlineData("debian-rt", 2)]
    public void Boot_ScriptTask_PassesEveryCheckAndPowersOff(string recipe, int vcpus)
    {
        GuestImage image = new ImageStore().Resolve(recipe, update: false, static _ => { });
        var output = new StringBuilder();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        var domain = new DomainRequest
        {
            Name = recipe,
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            Vcpus = vcpus,
            CommandLine = "console=ttyS0,115200 panic=-1 bulkhead.task=script",
            Serial = data => output.Append(Encoding.UTF8.GetString(data)),
        };
        using MachineRunner runner = MachineRunner.Build(new MachineRequest { Domains = [domain] }, engines.Seam);
        runner.Start();
        bool ended = runner.Wait(LongestMs);
        if (!ended)
        {
            runner.Stop(1, "too long");
            _ = runner.Wait();
        }

        DomainResult result = runner.Results()[0];
        string text = output.ToString();
        Assert.True(ended, text);
        Assert.Equal((0, "powered off"), (result.ExitCode, result.Message));
        Assert.DoesNotContain("FAILED", text, StringComparison.Ordinal);
        Assert.Contains("script: done", text, StringComparison.Ordinal);
    }
}
