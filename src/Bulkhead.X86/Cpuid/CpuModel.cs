namespace Bulkhead.X86.Cpuid;

/// <summary>Which processor a guest is shown.</summary>
public enum CpuModel
{
    /// <summary>x86-64-v3 where the host has it, else v2.</summary>
    Default,

    /// <summary>x86-64-v2: up to SSE4.2, no AVX.</summary>
    V2,

    /// <summary>x86-64-v3: AVX2, BMI, FMA.</summary>
    V3,

    /// <summary>Everything the host has and the instruction table offers.</summary>
    Host,
}
