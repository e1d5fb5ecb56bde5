using Bulkhead.Host;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Recipes;

/// <summary>Makes an image's files in a directory.</summary>
internal static class ImageBuilder
{
    internal const string KernelName = "vmlinuz";
    internal const string InitrdName = "initrd";
    private const string ManifestName = "packages.txt";

    internal static void Build(Recipe recipe, IReadOnlyList<DebianPackage> packages, AptArchive apt, string directory, Action<string> progress)
    {
        string downloads = Path.Combine(directory, "downloads");
        _ = Directory.CreateDirectory(downloads);
        IReadOnlyList<string> files = apt.Download(packages, downloads);

        progress("unpacking the kernel");
        IReadOnlyList<DebFile> unpacked = DebArchive.Read(files[0], p => IsKernel(p) || KernelModules.IsWanted(p, Recipe.Modules));
        File.WriteAllBytes(Path.Combine(directory, KernelName), Single(files[0], [.. unpacked.Where(static f => IsKernel(f.Path))], "boot/vmlinuz-*").Content);
        IReadOnlyList<DebFile> modules = KernelModules.Pick(unpacked, Recipe.Modules);

        progress("packing the initramfs");
        DebFile busybox = Single(files[1], DebArchive.Read(files[1], static p => p == "bin/busybox"), "bin/busybox");
        var libraries = new List<DebFile>();
        foreach (string file in files.Skip(2))
        {
            libraries.AddRange(DebArchive.Read(file, p => IsLibrary(p) || recipe.Programs.Contains(p)));
        }

        using (FileStream output = File.Create(Path.Combine(directory, InitrdName)))
        {
            new Initramfs(busybox.Content, Applets(busybox.Content, downloads), recipe.Programs, libraries, modules).Write(output);
        }

        File.WriteAllLines(Path.Combine(directory, ManifestName), packages.Select(p => $"{p.Name} {p.Version}"));
        Directory.Delete(downloads, recursive: true);
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
