using Bulkhead.Images;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Disks;
using Xunit;

namespace Bulkhead.Machine.Tests.Firmware;

/// <summary>A disk that starts by itself: GRUB for both kinds of firmware, and the kernel and initramfs of the image <c>debian</c>.</summary>
internal sealed class BootableDisk : IDisposable
{
    private const int BlockBytes = 4096;
    private const long DiskBytes = 224 << 20;

    private static readonly string[] s_needed = ["/usr/lib/grub/i386-pc/boot.img", "/usr/lib/grub/x86_64-efi/normal.mod"];

    private static readonly string[] s_programs = ["grub-mkimage", "mke2fs"];

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    /// <summary>The disk's file.</summary>
    internal string Path => System.IO.Path.Combine(_folder, "disk.img");

    /// <summary>Makes it; skips the test where the host lacks what it is made of.</summary>
    /// <param name="words">What follows the kernel's console on its command line.</param>
    internal static BootableDisk Make(string words)
    {
        string? missing = s_needed.FirstOrDefault(static f => !File.Exists(f))
            ?? s_programs.FirstOrDefault(static p => !HostTool.IsHere(p));
        if (missing is not null)
        {
            Assert.Skip($"the host has no {missing}");
        }

        var disk = new BootableDisk();
        disk.Fill(words);
        return disk;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Fill(string words)
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        string root = System.IO.Path.Combine(_folder, "root");
        var id = Guid.NewGuid();
        Run("sh", ["-euc", string.Join('\n', BootLoader.Commands(id, root))]);
        File.Copy(image.KernelPath, System.IO.Path.Combine(root, "vmlinuz"));
        File.Copy(image.InitrdPath, System.IO.Path.Combine(root, "initrd.img"));
        File.WriteAllText(
            System.IO.Path.Combine(root, "boot/grub/grub.cfg"),
            $"linux /vmlinuz console=ttyS0,115200 panic=-1 {words}\ninitrd /initrd.img\nboot\n");

        using FileStream stream = File.Create(Path);
        stream.SetLength(DiskBytes);
        Partition partition = DiskLayout.Root(DiskBytes);
        Run("mke2fs", ["-q", "-F", "-t", "ext4", "-b", $"{BlockBytes}", "-U", id.ToString(), "-d", root, "-E", $"offset={partition.FirstBytes}", Path, $"{partition.SizeBytes / BlockBytes}"]);
        PartitionTable.Write(stream, Guid.NewGuid(), DiskLayout.Partitions(DiskBytes), static _ => Guid.NewGuid());
        new BootLoader(Read(root, BootLoader.BootSectorPath), Read(root, BootLoader.CorePath), Read(root, BootLoader.EfiPath))
            .Write(stream, DiskLayout.BiosBoot, DiskLayout.EfiSystem, 0x1234_5678);
    }

    private static byte[] Read(string root, string path) => File.ReadAllBytes(root + path);

    private static void Run(string program, string[] arguments) =>
        Assert.True(HostTool.TryRun(program, arguments, null, out string output, out string error), $"{program}: {output}{error}");
}
