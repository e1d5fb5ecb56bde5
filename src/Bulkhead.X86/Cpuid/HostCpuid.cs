using System.Runtime.Intrinsics.X86;

namespace Bulkhead.X86.Cpuid;

/// <summary>The host processor's CPUID.</summary>
/// <remarks><i>Cost</i>: what guests and policies ask for again and again is asked for once. In a virtual machine CPUID is an exit, of microseconds.</remarks>
public static class HostCpuid
{
    private static readonly (uint Leaf, uint Subleaf, CpuidResult Result)[] s_known = ReadKnown();

    /// <summary>What CPUID says on the host.</summary>
    public static CpuidResult Get(uint leaf, uint subleaf)
    {
        foreach ((uint knownLeaf, uint knownSubleaf, CpuidResult result) in s_known)
        {
            if (knownLeaf == leaf && knownSubleaf == subleaf)
            {
                return result;
            }
        }

        return Execute(leaf, subleaf);
    }

    /// <summary>Reads vendor and features, and what describes caches, brand and addresses.</summary>
    private static (uint Leaf, uint Subleaf, CpuidResult Result)[] ReadKnown()
    {
        const uint Caches = 4, AmdCaches = 0x8000_001D, Subleaves = 8;
        List<(uint Leaf, uint Subleaf)> known = [(0, 0), (1, 0), (2, 0), (7, 0), (0xD, 1)];
        for (uint leaf = 0x8000_0000; leaf <= 0x8000_0008; leaf++)
        {
            known.Add((leaf, 0));
        }

        for (uint subleaf = 0; subleaf < Subleaves; subleaf++)
        {
            known.Add((Caches, subleaf));
            known.Add((AmdCaches, subleaf));
        }

        return [.. known.Select(static k => (k.Leaf, k.Subleaf, Execute(k.Leaf, k.Subleaf)))];
    }

    private static CpuidResult Execute(uint leaf, uint subleaf)
    {
        (int eax, int ebx, int ecx, int edx) = X86Base.CpuId((int)leaf, (int)subleaf);
        return new CpuidResult((uint)eax, (uint)ebx, (uint)ecx, (uint)edx);
    }
}
