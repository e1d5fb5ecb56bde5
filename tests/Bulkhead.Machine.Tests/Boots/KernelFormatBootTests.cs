using System.Buffers.Binary;
using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Boot;
using Bulkhead.Machine.Domains;
using K4os.Compression.LZ4;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Real kernels in the forms that Debian's images do not use.</summary>
public sealed class KernelFormatBootTests
{
    private const int LongestMs = 300_000;
    private const string XenPackage = "xen-hypervisor-4.17-amd64";
    private const string Dom0Recipe = "kernel: linux-image-amd64\n";

    /// <summary>Unmodified Xen, a Multiboot kernel packed with gzip, and an unmodified Debian as its first domain, which it runs without
    /// virtualization hardware: the guest of a guest.</summary>
    [Fact]
    public void Boot_XenWithDebianAsItsFirstDomain_PassesEveryCheckAndPowersOff()
    {
        string? xen = PackageFile.Find(XenPackage, "boot", "xen-4.17-amd64.gz");
        Assert.SkipWhen(xen is null, $"apt cannot download {XenPackage}");
        string folder = Directory.CreateTempSubdirectory("bulkhead").FullName;
        string recipe = Path.Combine(folder, "debian-dom0.yaml");
        File.WriteAllText(recipe, Dom0Recipe);
        GuestImage image = new ImageStore().Resolve(recipe, update: false, static _ => { });
        Directory.Delete(folder, recursive: true);

        (DomainResult result, string text) = Run(
            new DomainRequest
            {
                Name = "xen",
                KernelPath = xen,
                Modules = [new ModuleRequest(image.KernelPath, "console=hvc0 quiet bulkhead.task=script"), new ModuleRequest(image.InitrdPath ?? string.Empty, "")],
                CommandLine = "com1=115200,8n1 console=com1 no-real-mode noreboot",
                MemoryBytes = 1ul << 30,
            },
            until: null);

        Assert.Equal((0, "powered off"), (result.ExitCode, result.Message));
        Assert.Contains("(XEN) Bootloader: Bulkhead", text, StringComparison.Ordinal);
        Assert.Contains("bulkhead: init", text, StringComparison.Ordinal);
        Assert.DoesNotContain("FAILED", text, StringComparison.Ordinal);
        Assert.Contains("script: done", text, StringComparison.Ordinal);
    }

    /// <summary>Debian's own kernel, unpacked and without its PVH note, as one that was built without it.</summary>
    [Fact]
    public void Boot_VmlinuxWithoutPvhNote_ReachesInit()
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        byte[] vmlinux = Unpack(File.ReadAllBytes(image.KernelPath));
        int note = vmlinux.AsSpan().IndexOf((ReadOnlySpan<byte>)[4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, (byte)'X', (byte)'e', (byte)'n', 0]);
        note = note >= 0 ? note : vmlinux.AsSpan().IndexOf((ReadOnlySpan<byte>)[4, 0, 0, 0, 8, 0, 0, 0, 18, 0, 0, 0, (byte)'X', (byte)'e', (byte)'n', 0]);
        Assert.True(note >= 0);
        Assert.Equal(KernelFormat.Pvh, KernelImage.Detect(vmlinux, "vmlinux"));
        vmlinux[note + 8] = 99;
        Assert.Equal(KernelFormat.Vmlinux, KernelImage.Detect(vmlinux, "vmlinux"));

        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, vmlinux);
        (_, string text) = Run(
            new DomainRequest { Name = "vmlinux", KernelPath = path, InitrdPath = image.InitrdPath, CommandLine = "bulkhead.task=script" },
            until: "script: mounts ok");
        File.Delete(path);

        Assert.Contains("Linux version 6.1", text, StringComparison.Ordinal);
        Assert.Contains("Command line: console=ttyS0,115200 panic=-1 bulkhead.task=script", text, StringComparison.Ordinal);
        Assert.Contains("script: mounts ok", text, StringComparison.Ordinal);
    }

    private static (DomainResult Result, string Text) Run(DomainRequest domain, string? until)
    {
        var output = new StringBuilder();
        using var seen = new ManualResetEventSlim();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        domain = domain with
        {
            Serial = data =>
            {
                output.Append(Encoding.UTF8.GetString(data));
                if (until is not null && !seen.IsSet && output.ToString().Contains(until, StringComparison.Ordinal))
                {
                    seen.Set();
                }
            },
        };
        using MachineRunner runner = MachineRunner.Build(new MachineRequest { Domains = [domain] }, engines.Seam);
        runner.Domains[0].Ended += _ => seen.Set();
        runner.Start();
        bool inTime = seen.Wait(LongestMs);
        runner.Stop(1, inTime ? "seen" : "too long");
        _ = runner.Wait();
        Assert.True(inTime, output.ToString());
        return (runner.Results()[0], output.ToString());
    }

    private static byte[] Unpack(byte[] bzImage)
    {
        var header = LinuxSetupHeader.Parse(bzImage, "debian");
        ReadOnlySpan<byte> rest = bzImage.AsSpan(header.PayloadOffset, header.PayloadLength)[sizeof(uint)..^sizeof(uint)];
        byte[] block = new byte[8 << 20];
        using var unpacked = new MemoryStream();
        while (rest.Length > sizeof(uint))
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            unpacked.Write(block, 0, LZ4Codec.Decode(rest.Slice(sizeof(uint), length), block));
            rest = rest[(sizeof(uint) + length)..];
        }

        return unpacked.ToArray();
    }
}
