namespace Bulkhead.X86.Cpuid;

/// <summary>The four registers CPUID answers in.</summary>
public readonly record struct CpuidResult(uint Eax, uint Ebx, uint Ecx, uint Edx);
