namespace Bulkhead.Machine.Boot.Formats;

/// <summary>One ELF program header.</summary>
internal readonly record struct ElfSegment(uint Type, ulong Offset, ulong VirtualAddress, ulong PhysicalAddress, ulong FileSize, ulong MemorySize);
