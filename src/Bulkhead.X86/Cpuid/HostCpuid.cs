using System.Runtime.Intrinsics.X86;

namespace Bulkhead.X86.Cpuid;

/// <summary>The host processor's CPUID.</summary>
public static class HostCpuid
{
    /// <summary>Executes CPUID on the host.</summary>
    public static CpuidResult Get(uint leaf, uint subleaf)
    {
        (int eax, int ebx, int ecx, int edx) = X86Base.CpuId((int)leaf, (int)subleaf);
        return new CpuidResult((uint)eax, (uint)ebx, (uint)ecx, (uint)edx);
    }
}
