using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Tools.InstructionTable;

/// <summary>Iced's feature names to ours.</summary>
internal static class FeatureMap
{
    /// <summary>The most specific feature of a code, or null where one of its features is not offered.</summary>
    internal static CpuFeature? Of(Code code)
    {
        CpuFeature best = CpuFeature.Base;
        foreach (CpuidFeature feature in code.CpuidFeatures())
        {
            if (Map(feature) is not { } mapped)
            {
                return null;
            }

            // AVX with AES, PCLMULQDQ or GFNI: the other one is the news. FPU with CMOV or SSE3 likewise.
            if (best is CpuFeature.Base or CpuFeature.Avx or CpuFeature.Fpu || mapped is not (CpuFeature.Avx or CpuFeature.Fpu))
            {
                best = mapped;
            }
        }

        return best;
    }

    private static CpuFeature? Map(CpuidFeature feature) => feature switch
    {
        CpuidFeature.INTEL8086 or CpuidFeature.INTEL186 or CpuidFeature.INTEL286 or CpuidFeature.INTEL386 or CpuidFeature.INTEL486
            or CpuidFeature.X64 => CpuFeature.Base,
        CpuidFeature.FPU or CpuidFeature.FPU287 or CpuidFeature.FPU387 => CpuFeature.Fpu,
        CpuidFeature.CMPXCHG16B => CpuFeature.Cx16,
        CpuidFeature.SSE4_1 => CpuFeature.Sse41,
        CpuidFeature.SSE4_2 => CpuFeature.Sse42,
        CpuidFeature.CLFSH => CpuFeature.Clflush,
        _ => Enum.TryParse(feature.ToString(), ignoreCase: true, out CpuFeature same) ? same : null,
    };
}
