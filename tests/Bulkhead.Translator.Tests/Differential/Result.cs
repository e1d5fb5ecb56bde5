namespace Bulkhead.Translator.Tests.Differential;

/// <summary>What a case did.</summary>
/// <param name="State">The registers after, or at the fault.</param>
/// <param name="Memory">The arena after.</param>
/// <param name="Vector">The exception it raised, or -1.</param>
/// <param name="At">Where the instruction stands that raised it; the length of the code where none did.</param>
/// <param name="ErrorCode">The error code of a page fault.</param>
/// <param name="Cr2">The address of a page fault.</param>
internal sealed record Result(CpuState State, byte[] Memory, int Vector, int At, uint ErrorCode, ulong Cr2);
