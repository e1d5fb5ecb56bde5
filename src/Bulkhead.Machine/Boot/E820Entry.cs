namespace Bulkhead.Machine.Boot;

/// <summary>One range of the memory map.</summary>
internal readonly record struct E820Entry(ulong Start, ulong Length, E820Type Type);
