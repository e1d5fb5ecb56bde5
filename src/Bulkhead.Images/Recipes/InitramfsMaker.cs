using System.Text;
using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Manifests;

namespace Bulkhead.Images.Recipes;

/// <summary>Makes images whose root file system is an initramfs of ours, out of files of packages that are not installed.</summary>
internal sealed class InitramfsMaker : IImageMaker
{
    /// <summary>The package the static busybox comes from; it is the first after the kernel.</summary>
    private const string BusyboxPackage = "busybox-static";

    private const string KernelName = "vmlinuz";
    private const string InitrdName = "initrd.img";

    /// <summary>The kernel's modules the initramfs carries: what the power button and devices take, which Debian's kernels do not have built
    /// in.</summary>
    internal static readonly IReadOnlyList<string> Modules =
    [
        "button", "evdev", "virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk",
        "failover", "net_failover", "virtio_net", "fuse", "virtiofs", "virtio_console", "virtio-rng", "virtio_balloon",
        "virtio_mmio", "vsock", "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport", "uio", "uio_pci_generic",
    ];

    private readonly Recipe _recipe;
    private readonly AptArchive _apt;
    private readonly Action<string> _progress;

    internal InitramfsMaker(Recipe recipe, Action<string> progress)
    {
        _recipe = recipe;
        _apt = new AptArchive(progress);
        _progress = progress;
    }

    /// <inheritdoc/>
    public string Hash => _recipe.Hash([.. Encoding.UTF8.GetBytes($"{string.Join(' ', Modules)}\n"), .. GuestScripts.Bytes]);

    /// <inheritdoc/>
    public IReadOnlyList<DebianPackage> Resolve(bool refresh)
    {
        DebianPackage meta = _apt.Find(_recipe.KernelPackage, refresh);
        string kernel = meta.DependencyStartingWith("linux-image-") ?? meta.Name;
        return [_apt.Find(kernel, refresh: false), _apt.Find(BusyboxPackage, refresh: false), .. _recipe.Packages.Select(p => _apt.Find(p, refresh: false))];
    }

    /// <inheritdoc/>
    public Manifest Build(IReadOnlyList<DebianPackage> packages, string directory)
    {
        string downloads = Path.Combine(directory, "downloads");
        _ = Directory.CreateDirectory(downloads);
        IReadOnlyList<string> files = _apt.Download(packages, downloads);

        _progress("unpacking the kernel");
        IReadOnlyList<DebFile> unpacked = DebArchive.Read(files[0], p => IsKernel(p) || KernelModules.IsWanted(p, Modules));
        File.WriteAllBytes(Path.Combine(directory, KernelName), Single(files[0], [.. unpacked.Where(static f => IsKernel(f.Path))], "boot/vmlinuz-*").Content);
        IReadOnlyList<DebFile> modules = KernelModules.Pick(unpacked, Modules);

        _progress("packing the initramfs");
        DebFile busybox = Single(files[1], DebArchive.Read(files[1], static p => p == "bin/busybox"), "bin/busybox");
        var libraries = new List<DebFile>();
        foreach (string file in files.Skip(2))
        {
            libraries.AddRange(DebArchive.Read(file, p => IsLibrary(p) || _recipe.Programs.Contains(p)));
        }

        using (FileStream output = File.Create(Path.Combine(directory, InitrdName)))
        {
            new Initramfs(busybox.Content, Applets(busybox.Content, downloads), _recipe.Programs, libraries, modules).Write(output);
        }

        Directory.Delete(downloads, recursive: true);
        return new Manifest
        {
            Recipe = _recipe.Name,
            Version = Recipe.VersionOf(packages),
            RecipeHash = Hash,
            Kernel = KernelName,
            Initrd = InitrdName,
            Packages = Manifest.Versions(packages),
        };
    }

    private static bool IsLibrary(string path) =>
        path.StartsWith("lib", StringComparison.Ordinal) && Path.GetFileName(path).Contains(".so", StringComparison.Ordinal);

    private static bool IsKernel(string path) => path.StartsWith("boot/vmlinuz-", StringComparison.Ordinal);

    private static DebFile Single(string package, IReadOnlyList<DebFile> found, string name) =>
        found.Count == 1
            ? found[0]
            : throw new OperatorException($"The package {Path.GetFileName(package)} holds {found.Count} files {name}; one was expected.");

    // busybox itself says what it can be called by; it is static, so it runs on any x86-64 host.
    private static string[] Applets(byte[] busybox, string directory)
    {
        string path = Path.Combine(directory, "busybox");
        File.WriteAllBytes(path, busybox);
        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        if (!HostTool.TryRun(path, ["--list"], null, out string output, out string error))
        {
            throw new OperatorException($"{path} cannot be run: {error} The cache must stand on a file system that allows programs.");
        }

        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
