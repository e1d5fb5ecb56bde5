using Bulkhead.Core.Memory;
using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Boot;

/// <summary>What a boot loader needs: the files, the command line, and where the ACPI tables start.</summary>
/// <param name="kernelName">The kernel's name, for messages.</param>
/// <param name="kernel">The kernel file.</param>
/// <param name="initrd">The initial RAM disk; empty for none.</param>
/// <param name="commandLine">The kernel's command line.</param>
/// <param name="rsdp">The ACPI root pointer.</param>
/// <param name="randomize">Whether the loader may choose at random; else it does the same every time.</param>
/// <param name="random">What it then chooses by, and gives the guest to start with; null: the host's chance, and nothing.</param>
internal readonly ref struct BootRequest(
    string kernelName, ReadOnlySpan<byte> kernel, ReadOnlySpan<byte> initrd, string commandLine, Gpa rsdp, bool randomize = false, SeededRandom? random = null)
{
    internal string KernelName { get; } = kernelName;

    internal ReadOnlySpan<byte> Kernel { get; } = kernel;

    internal ReadOnlySpan<byte> Initrd { get; } = initrd;

    internal string CommandLine { get; } = commandLine;

    internal Gpa Rsdp { get; } = rsdp;

    internal bool Randomize { get; } = randomize;

    internal SeededRandom? Random { get; } = random;
}
