using Bulkhead.Host;
using Bulkhead.Images.Cpio;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Elf;

namespace Bulkhead.Images.Recipes;

/// <summary>The root file system of an image: busybox under all its names, programs with their libraries, kernel modules, and our scripts.</summary>
internal sealed class Initramfs
{
    private const uint Executable = 0x1ed;
    private const uint Plain = 0x1a4;

    // Debian's loader looks here without a cache or an environment variable.
    private const string LibraryFolder = "lib/x86_64-linux-gnu";

    private readonly byte[] _busybox;
    private readonly IReadOnlyList<string> _applets;
    private readonly IReadOnlyList<string> _programs;
    private readonly IReadOnlyList<DebFile> _files;
    private readonly IReadOnlyList<DebFile> _modules;

    internal Initramfs(
        byte[] busybox, IReadOnlyList<string> applets, IReadOnlyList<string> programs, IReadOnlyList<DebFile> files, IReadOnlyList<DebFile> modules)
    {
        _busybox = busybox;
        _applets = applets;
        _programs = programs;
        _files = files;
        _modules = modules;
    }

    internal void Write(Stream output)
    {
        var cpio = new CpioWriter(output);
        foreach (string directory in (string[])["bin", "dev", "etc", .. GuestScripts.Folders, "lib", LibraryFolder, KernelModules.Folder, "lib64", "mnt", "proc", "root", "run", "sys", "tmp", "usr"])
        {
            cpio.AddDirectory(directory);
        }

        cpio.AddSymbolicLink("sbin", "bin");
        cpio.AddSymbolicLink("usr/bin", "../bin");
        cpio.AddSymbolicLink("usr/sbin", "../bin");
        cpio.AddCharacterDevice("dev/console", 5, 1, 0x180);
        foreach (GuestScript script in GuestScripts.All)
        {
            cpio.AddFile(script.Path, script.Content, Executable);
        }

        foreach (DebFile module in _modules)
        {
            cpio.AddFile(module.Path, module.Content, Plain);
        }

        cpio.AddFile("bin/busybox", _busybox, Executable);
        foreach (string applet in _applets.Where(a => a is not "busybox").Distinct().Order(StringComparer.Ordinal))
        {
            cpio.AddSymbolicLink("bin/" + applet, "busybox");
        }

        AddPrograms(cpio);
        cpio.Finish();
    }

    private void AddPrograms(CpioWriter cpio)
    {
        var needed = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string program in _programs)
        {
            DebFile file = FindPath(program);
            ElfDependencies dependencies = Read(file);
            cpio.AddFile(program, file.Content, Executable);
            AddNeeded(dependencies, needed);
            if (dependencies.Interpreter is string loader)
            {
                cpio.AddFile(loader.TrimStart('/'), FindName(Path.GetFileName(loader)).Content, Executable);
            }
        }

        foreach (string library in needed)
        {
            cpio.AddFile($"{LibraryFolder}/{library}", FindName(library).Content, Executable);
        }
    }

    private void AddNeeded(ElfDependencies dependencies, SortedSet<string> needed)
    {
        foreach (string library in dependencies.Needed)
        {
            if (needed.Add(library))
            {
                AddNeeded(Read(FindName(library)), needed);
            }
        }
    }

    private static ElfDependencies Read(DebFile file) =>
        ElfDependencies.TryRead(file.Content, out ElfDependencies dependencies)
            ? dependencies
            : throw new OperatorException($"{file.Path} in the packages of this image is not a 64-bit ELF file.");

    private DebFile FindPath(string path) =>
        _files.FirstOrDefault(f => f.Path == path) ?? throw new OperatorException($"No package of this image holds {path}.");

    private DebFile FindName(string name)
    {
        DebFile? file = _files.FirstOrDefault(f => Path.GetFileName(f.Path) == name && f.LinkTarget is null);
        if (file is not null)
        {
            return file;
        }

        // A library is asked for by the name of a link that stands beside it.
        DebFile? link = _files.FirstOrDefault(f => Path.GetFileName(f.Path) == name);
        return link?.LinkTarget is string target && Path.GetFileName(target) != name
            ? FindName(Path.GetFileName(target))
            : throw new OperatorException($"No package of this image holds the library {name}.");
    }
}
