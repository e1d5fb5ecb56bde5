using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Manifests;
using Bulkhead.Images.Recipes;

namespace Bulkhead.Images.Disks;

/// <summary>Makes images that are a disk with a Debian installed on it, and its kernel and initramfs beside it.</summary>
/// <remarks>Needs no root where the host allows user namespaces, mounts nothing, and takes some 2 GiB of space while it works.</remarks>
internal sealed class DiskMaker : IImageMaker
{
    private const string KernelName = "vmlinuz";
    private const string InitrdName = "initrd.img";
    private const string DiskName = "disk.img";
    private const int FileSystemBlockBytes = 4096;

    // The guest's own device files are made by its kernel, and no user namespace may make any.
    private const string FillScript = """
        trap 'rm -rf root' EXIT
        mkdir root
        tar -C root --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xpf "$1"
        mke2fs -q -F -t ext4 -b "$2" -U "$3" -d root -E "offset=$4,hash_seed=$3,root_owner=0:0,assume_storage_prezeroed=1" "$5" "$6"
        """;

    private readonly Recipe _recipe;
    private readonly DiskRecipe _disk;
    private readonly AuthorizedKeys _keys;
    private readonly Action<string> _progress;
    private readonly Mmdebstrap _mmdebstrap;

    internal DiskMaker(Recipe recipe, DiskRecipe disk, AuthorizedKeys keys, Action<string> progress)
    {
        _recipe = recipe;
        _disk = disk;
        _keys = keys;
        _progress = progress;
        _mmdebstrap = new Mmdebstrap(recipe, disk, progress);
    }

    /// <inheritdoc/>
    public string Hash => _recipe.Hash(Encoding.UTF8.GetBytes(_keys.Text));

    /// <inheritdoc/>
    public IReadOnlyList<DebianPackage> Resolve(bool refresh)
    {
        HostTool.Require("disks are made with", "mmdebstrap", "mke2fs", "tar");
        return _mmdebstrap.Resolve();
    }

    /// <inheritdoc/>
    public Manifest Build(IReadOnlyList<DebianPackage> packages, string directory)
    {
        string version = Recipe.VersionOf(packages);
        Guid rootId = Id(version, "root file system");
        long epoch = SourceDateEpoch();
        string files = Path.Combine(directory, "files.tar");
        string archive = Path.Combine(directory, "root.tar");
        WriteFiles(files, rootId, epoch);
        _progress($"installing {_disk.Suite} with {packages[0].Name} {packages[0].Version}");
        _mmdebstrap.Install(archive, files, Commands(rootId), epoch);
        var loader = new Dictionary<string, byte[]> { [BootLoader.BootSectorPath] = [], [BootLoader.CorePath] = [], [BootLoader.EfiPath] = [] };
        IReadOnlyList<DebianPackage> installed = RootArchive.Extract(archive, Path.Combine(directory, KernelName), Path.Combine(directory, InitrdName), loader);

        _progress("filling the disk");
        FillDisk(directory, archive, version, rootId, epoch, new BootLoader(loader[BootLoader.BootSectorPath], loader[BootLoader.CorePath], loader[BootLoader.EfiPath]));
        File.Delete(files);
        File.Delete(archive);
        return new Manifest
        {
            Recipe = _recipe.Name,
            Version = version,
            RecipeHash = Hash,
            Kernel = KernelName,
            Initrd = InitrdName,
            Append = $"root=UUID={rootId} ro",
            Disk = new ManifestDisk(DiskName, "raw", _disk.SizeBytes, _disk.Suite, rootId.ToString()) { SourceDateEpoch = epoch, SshKeys = _keys.Paths },
            Packages = Manifest.Versions(installed),
        };
    }

    // By the convention for builds that can be repeated; else now.
    private static long SourceDateEpoch() =>
        long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out long epoch)
            ? epoch
            : DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    private void WriteFiles(string path, Guid rootId, long epoch)
    {
        using var tree = new GuestTree(path, epoch);
        tree.Add("/etc/hostname", $"{_disk.Hostname}\n");
        tree.Add("/etc/hosts", $"127.0.0.1\tlocalhost\n127.0.1.1\t{_disk.Hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        tree.Add("/etc/fstab", $"UUID={rootId} / ext4 errors=remount-ro 0 1\n");
        if (_disk.Bootable)
        {
            tree.Add("/boot/grub/grub.cfg", BootLoader.Configuration(rootId));
        }

        if (_keys.Text.Length > 0)
        {
            tree.AddOwn("/root/.ssh", "authorized_keys", _keys.Text);
        }

        foreach ((string file, string content) in _disk.Files)
        {
            tree.Add(file, content);
        }
    }

    private IReadOnlyList<string> Commands(Guid rootId) =>
    [
        .. _disk.Commands,
        .. _disk.Bootable ? BootLoader.Commands(rootId) : [],

        // The same salt each time, so that the image is the same: the password is no secret. Perl is part of every Debian.
        .. _disk.RootPassword is { } password
            ? (string[])[$"usermod -p \"$(perl -e 'print crypt($ARGV[0], \"\\$6\\$bulkhead\\$\")' {Mmdebstrap.Quote(password)})\" root"]
            : [],

        // The host's own, which mmdebstrap lends to the packages' scripts.
        "rm -f /etc/.resolv.conf.systemd-resolved.bak",
        "[ -L /etc/resolv.conf ] || : >/etc/resolv.conf",
    ];

    private void FillDisk(string directory, string archive, string version, Guid rootId, long epoch, BootLoader loader)
    {
        string disk = Path.Combine(directory, DiskName);
        Partition root = DiskLayout.Root(_disk.SizeBytes);
        using FileStream stream = File.Create(disk);
        stream.SetLength(_disk.SizeBytes);

        // Newer ones know the convention's variable, older ones only their own.
        string time = epoch.ToString(CultureInfo.InvariantCulture);
        var environment = new Dictionary<string, string> { ["SOURCE_DATE_EPOCH"] = time, ["E2FSPROGS_FAKE_TIME"] = time };
        string[] arguments =
        [
            archive, Number(FileSystemBlockBytes), rootId.ToString(), Number(root.FirstBytes), disk, Number(root.SizeBytes / FileSystemBlockBytes),
        ];
        if (RootShell.Run(FillScript, arguments, directory, environment, out string error) != 0)
        {
            throw BuildTrouble.Explain(_recipe.Name, _disk.Suite, [error]);
        }

        PartitionTable.Write(stream, Id(version, "disk"), DiskLayout.Partitions(_disk.SizeBytes), p => Id(version, p.Name));
        if (_disk.Bootable)
        {
            loader.Write(stream, DiskLayout.BiosBoot, DiskLayout.EfiSystem, BinaryPrimitives.ReadUInt32LittleEndian(Id(version, DiskLayout.EfiSystem.Name).ToByteArray()));
        }

        if (OperatingSystem.IsLinux())
        {
            // It is for all who start from it; whoever writes takes a copy.
            File.SetUnixFileMode(stream.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    // Made of what the image is made of, so that the same image has the same numbers. Source: RFC 9562, 5.8 "UUID Version 8".
    private Guid Id(string version, string what)
    {
        byte[] bytes = XxHash128.Hash(Encoding.UTF8.GetBytes($"{Hash}\n{version}\n{what}\n"));
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
