using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Disks;
using Bulkhead.Images.Manifests;
using Xunit;

namespace Bulkhead.Images.Tests.Disks;

/// <summary>Makes a disk of Debian's packages, the smallest that starts; takes a minute and a network.</summary>
public sealed class DiskImageTests : IDisposable
{
    private const string Recipe = """
        kernel: linux-image-cloud-amd64
        packages: [systemd-sysv, initramfs-tools]
        disk:
          suite: bookworm
          size: 1536Mi
          hostname: small
          root_password: it's-secret
          files:
            /etc/made/by-hand: |
              so it is
          commands:
            - echo "$(cat /etc/made/by-hand), isn't it" >/etc/made/by-command
        """;

    private static readonly string[] s_programs = ["mmdebstrap", "mke2fs", "e2fsck", "debugfs"];

    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public void Resolve_RecipeOfADisk_IsADebianAndIsFoundAgain()
    {
        if (s_programs.FirstOrDefault(static p => !HostTool.IsHere(p)) is { } missing)
        {
            Assert.Skip($"the host has no {missing}");
        }

        try
        {
            RootShell.Require();
        }
        catch (OperatorException e)
        {
            Assert.Skip(e.Message);
        }

        string recipe = Path.Combine(_folder, "small.yaml");
        string key = Path.Combine(_folder, "id.pub");
        File.WriteAllText(recipe, Recipe);
        File.WriteAllText(key, "ssh-ed25519 AAAA me\n");
        var request = new ImageRequest(recipe) { SshKeyPaths = [key] };
        var store = new ImageStore(Path.Combine(_folder, "images"));

        GuestImage image = store.Resolve(request, _ => { });

        Assert.Equal(image.Version, store.Resolve(request, _ => Assert.Fail("it is in the cache")).Version);
        CheckFiles(image);
        CheckDisk(image.DiskPath ?? throw new InvalidOperationException("The image has no disk."), image);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void CheckFiles(GuestImage image)
    {
        string directory = Path.GetDirectoryName(image.KernelPath)!; // It has a folder.
        Assert.Equal(["disk.img", "initrd.img", "manifest.json", "vmlinuz"], Directory.GetFileSystemEntries(directory).Select(Path.GetFileName).Order());
        Assert.True(File.ReadAllBytes(image.KernelPath).AsSpan(0x202, 4).SequenceEqual("HdrS"u8));
        Assert.True(new FileInfo(image.InitrdPath).Length > 1 << 20);
        IReadOnlyDictionary<string, string> packages = Manifest.TryRead(directory)?.Packages ?? new Dictionary<string, string>();
        Assert.Equal(image.Version.Split('.')[..^1], packages.Single(static p => p.Key.StartsWith("linux-image-6", StringComparison.Ordinal)).Value.Split('.'));
        Assert.Contains("systemd", packages.Keys);
    }

    private void CheckDisk(string disk, GuestImage image)
    {
        // The tools want the file system alone.
        string root = Path.Combine(_folder, "root");
        Partition partition = DiskLayout.Root(new FileInfo(disk).Length);
        _ = Run("dd", $"if={disk}", $"of={root}", "bs=1M", $"skip={partition.FirstBytes >> 20}", $"count={partition.SizeBytes >> 20}", "conv=sparse", "status=none");
        _ = Run("e2fsck", "-fn", root);

        Assert.Equal("small\n", Run("debugfs", "-R", "cat /etc/hostname", root));
        Assert.Equal("so it is, isn't it\n", Run("debugfs", "-R", "cat /etc/made/by-command", root));
        Assert.Equal("ssh-ed25519 AAAA me\n", Run("debugfs", "-R", "cat /root/.ssh/authorized_keys", root));
        Assert.StartsWith($"{image.Append.Replace("root=", string.Empty, StringComparison.Ordinal).Split(' ')[0]} / ext4", Run("debugfs", "-R", "cat /etc/fstab", root), StringComparison.Ordinal);
        Assert.Contains("root:$6$", Run("debugfs", "-R", "cat /etc/shadow", root), StringComparison.Ordinal);
        Assert.Contains("Mode:  04755", Run("debugfs", "-R", "stat /usr/bin/su", root), StringComparison.Ordinal);
        Assert.Contains("Group:    42", Run("debugfs", "-R", "stat /etc/shadow", root), StringComparison.Ordinal);
    }

    private static string Run(string program, params string[] arguments)
    {
        Assert.True(HostTool.TryRun(program, arguments, null, out string output, out string error), $"{program} {string.Join(' ', arguments)}: {output}{error}");
        return output;
    }
}
