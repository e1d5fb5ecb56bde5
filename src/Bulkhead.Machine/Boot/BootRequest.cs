using Bulkhead.Core.Memory;

namespace Bulkhead.Machine.Boot;

/// <summary>What a boot loader needs: the files, the command line, and where the ACPI tables start.</summary>
/// <remarks><see cref="KernelName"/> is for messages only.</remarks>
internal sealed record BootRequest(string KernelName, byte[] Kernel, byte[] Initrd, string CommandLine, Gpa Rsdp);
