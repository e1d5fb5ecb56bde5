using Bulkhead.Core.Memory;
using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Boot;

/// <summary>What a boot loader needs: the files, the command line, and where the ACPI tables start.</summary>
internal readonly ref struct BootRequest
{
    /// <summary>The path of the kernel, for messages and as its name.</summary>
    internal required string KernelName { get; init; }

    /// <summary>The kernel file.</summary>
    internal required ReadOnlySpan<byte> Kernel { get; init; }

    /// <summary>The initial RAM disk of a kernel that has one; empty for none.</summary>
    internal ReadOnlySpan<byte> Initrd { get; init; }

    /// <summary>The files a Multiboot kernel is handed, in order.</summary>
    internal IReadOnlyList<BootModule> Modules { get; init; } = [];

    /// <summary>Words a Linux kernel is told first; kernels of other kinds would not know them.</summary>
    internal string LinuxWords { get; init; } = string.Empty;

    /// <summary>The kernel's command line.</summary>
    internal string CommandLine { get; init; } = string.Empty;

    /// <summary>The command line of a Linux kernel.</summary>
    internal string LinuxCommandLine => $"{LinuxWords} {CommandLine}".Trim();

    /// <summary>The framebuffer it finds, or null.</summary>
    internal BootScreen? Screen { get; init; }

    /// <summary>The ACPI root pointer.</summary>
    internal required Gpa Rsdp { get; init; }

    /// <summary>Whether the loader may choose at random; else it does the same every time.</summary>
    internal bool Randomize { get; init; }

    /// <summary>What it then chooses by, and gives the guest to start with; null: the host's chance, and nothing.</summary>
    internal SeededRandom? Random { get; init; }

    /// <summary>What a kernel is placed by where <see cref="Random"/> says nothing; null: the host's chance.</summary>
    internal ulong? Place { get; init; }

    public BootRequest()
    {
    }
}
