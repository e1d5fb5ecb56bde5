namespace Bulkhead.Machine.Boot;

/// <summary>One ELF program header.</summary>
internal readonly record struct ElfSegment(uint Type, ulong Offset, ulong PhysicalAddress, ulong FileSize, ulong MemorySize);
