using System.Text;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Firmware;
using Xunit;

namespace Bulkhead.Machine.Tests.Firmware;

/// <summary>Debian's firmware from the reset vector: GRUB from the disk, an unmodified kernel, the end of the initramfs's script.</summary>
public sealed class FirmwareBootTests
{
    private const int LongestMs = 300_000;

    [Theory]
    [InlineData("seabios", 2)]
    [InlineData("ovmf", 2)]
    public void Boot_DiskWithGrub_StartsTheKernelOnItAndEndsInGoodOrder(string name, int vcpus)
    {
        FirmwareRequest firmware = FirmwareRequest.Of(name, static path => path);
        if (firmware.Trouble is { } trouble)
        {
            Assert.Skip(trouble);
        }

        using BootableDisk disk = BootableDisk.Make("bulkhead.task=script");
        if (firmware.Template is not null)
        {
            firmware = firmware with { VariablesPath = disk.Path + ".vars" };
        }

        var output = new StringBuilder();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        var domain = new DomainRequest
        {
            Name = name,
            Firmware = firmware,
            MemoryBytes = 256 << 20,
            Vcpus = vcpus,
            Disks = [new DiskRequest { Path = disk.Path, Snapshot = true }],
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
        Assert.True((result.ExitCode, result.Message) == (0, "powered off"), $"{result.Message}\n{text}");
        Assert.DoesNotContain("FAILED", text, StringComparison.Ordinal);
        Assert.Contains("DMI: Bulkhead Bulkhead Domain, BIOS ", text, StringComparison.Ordinal);
        Assert.Contains("script: done", text, StringComparison.Ordinal);
        Assert.Contains(vcpus == 1 ? "smp: Brought up 1 node, 1 CPU" : "smp: Brought up 1 node, 2 CPUs", text, StringComparison.Ordinal);
        if (firmware is { VariablesPath: { } variables, Template: { } template })
        {
            runner.Domains[0].Release(); // whoever runs has the file for itself
            Assert.False(File.ReadAllBytes(variables).SequenceEqual(File.ReadAllBytes(template)), "The firmware kept no variable.");
        }

        Assert.DoesNotContain("[Firmware Bug]", text, StringComparison.Ordinal);
    }
}
