using Bulkhead.X86.Instructions;

namespace Bulkhead.X86.Cpuid;

/// <summary>Where CPUID shows a feature, and when it is offered.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 2A, CPUID; AMD APM Vol. 3, Appendix E.</remarks>
internal readonly record struct FeatureBit(CpuFeature Feature, FeatureWord Word, int Bit, FeatureSource Source)
{
    internal static readonly FeatureBit[] All =
    [
        new(CpuFeature.Base, FeatureWord.None, 0, FeatureSource.Engine),
        new(CpuFeature.None, FeatureWord.None, 0, FeatureSource.Engine),
        new(CpuFeature.Fpu, FeatureWord.Leaf1Edx, 0, FeatureSource.Engine),
        new(CpuFeature.Tsc, FeatureWord.Leaf1Edx, 4, FeatureSource.Engine),
        new(CpuFeature.Cx8, FeatureWord.Leaf1Edx, 8, FeatureSource.Engine),
        new(CpuFeature.Cmov, FeatureWord.Leaf1Edx, 15, FeatureSource.Engine),
        new(CpuFeature.Clflush, FeatureWord.Leaf1Edx, 19, FeatureSource.Engine),
        new(CpuFeature.Mmx, FeatureWord.Leaf1Edx, 23, FeatureSource.Engine),
        new(CpuFeature.Fxsr, FeatureWord.Leaf1Edx, 24, FeatureSource.Engine),
        new(CpuFeature.Sse, FeatureWord.Leaf1Edx, 25, FeatureSource.Engine),
        new(CpuFeature.Sse2, FeatureWord.Leaf1Edx, 26, FeatureSource.Engine),
        new(CpuFeature.Sse3, FeatureWord.Leaf1Ecx, 0, FeatureSource.Host),
        new(CpuFeature.Pclmulqdq, FeatureWord.Leaf1Ecx, 1, FeatureSource.Host),
        new(CpuFeature.Monitor, FeatureWord.Leaf1Ecx, 3, FeatureSource.Never),
        new(CpuFeature.Ssse3, FeatureWord.Leaf1Ecx, 9, FeatureSource.Host),
        new(CpuFeature.Fma, FeatureWord.Leaf1Ecx, 12, FeatureSource.HostV3),
        new(CpuFeature.Cx16, FeatureWord.Leaf1Ecx, 13, FeatureSource.Host),
        new(CpuFeature.Sse41, FeatureWord.Leaf1Ecx, 19, FeatureSource.Host),
        new(CpuFeature.Sse42, FeatureWord.Leaf1Ecx, 20, FeatureSource.Host),
        new(CpuFeature.Movbe, FeatureWord.Leaf1Ecx, 22, FeatureSource.HostV3),
        new(CpuFeature.Popcnt, FeatureWord.Leaf1Ecx, 23, FeatureSource.Host),
        new(CpuFeature.Aes, FeatureWord.Leaf1Ecx, 25, FeatureSource.Host),
        new(CpuFeature.Xsave, FeatureWord.Leaf1Ecx, 26, FeatureSource.Engine),
        new(CpuFeature.Avx, FeatureWord.Leaf1Ecx, 28, FeatureSource.HostV3),
        new(CpuFeature.F16c, FeatureWord.Leaf1Ecx, 29, FeatureSource.HostV3),
        new(CpuFeature.Rdrand, FeatureWord.Leaf1Ecx, 30, FeatureSource.Host),
        new(CpuFeature.FsGsBase, FeatureWord.Leaf7Ebx, 0, FeatureSource.Engine),
        new(CpuFeature.Bmi1, FeatureWord.Leaf7Ebx, 3, FeatureSource.HostV3),
        new(CpuFeature.Avx2, FeatureWord.Leaf7Ebx, 5, FeatureSource.HostV3),
        new(CpuFeature.Bmi2, FeatureWord.Leaf7Ebx, 8, FeatureSource.HostV3),
        new(CpuFeature.Invpcid, FeatureWord.Leaf7Ebx, 10, FeatureSource.Engine),
        new(CpuFeature.Rdseed, FeatureWord.Leaf7Ebx, 18, FeatureSource.Host),
        new(CpuFeature.Adx, FeatureWord.Leaf7Ebx, 19, FeatureSource.Host),
        new(CpuFeature.Smap, FeatureWord.Leaf7Ebx, 20, FeatureSource.Engine),
        new(CpuFeature.Clflushopt, FeatureWord.Leaf7Ebx, 23, FeatureSource.Engine),
        new(CpuFeature.Clwb, FeatureWord.Leaf7Ebx, 24, FeatureSource.Engine),
        new(CpuFeature.Sha, FeatureWord.Leaf7Ebx, 29, FeatureSource.Host),
        new(CpuFeature.Gfni, FeatureWord.Leaf7Ecx, 8, FeatureSource.HostModel),
        new(CpuFeature.Vaes, FeatureWord.Leaf7Ecx, 9, FeatureSource.HostModel),
        new(CpuFeature.Vpclmulqdq, FeatureWord.Leaf7Ecx, 10, FeatureSource.HostModel),
        new(CpuFeature.Rdpid, FeatureWord.Leaf7Ecx, 22, FeatureSource.Engine),
        new(CpuFeature.Movdiri, FeatureWord.Leaf7Ecx, 27, FeatureSource.HostModel),
        new(CpuFeature.Movdir64b, FeatureWord.Leaf7Ecx, 28, FeatureSource.HostModel),
        new(CpuFeature.Xsaveopt, FeatureWord.LeafD1Eax, 0, FeatureSource.Engine),
        new(CpuFeature.Xsavec, FeatureWord.LeafD1Eax, 1, FeatureSource.Engine),
        new(CpuFeature.LahfLm, FeatureWord.Extended1Ecx, 0, FeatureSource.Engine),
        new(CpuFeature.Lzcnt, FeatureWord.Extended1Ecx, 5, FeatureSource.HostV3),
        new(CpuFeature.Prefetchw, FeatureWord.Extended1Ecx, 8, FeatureSource.Host),
        new(CpuFeature.Syscall, FeatureWord.Extended1Edx, 11, FeatureSource.Engine),
        new(CpuFeature.Nx, FeatureWord.Extended1Edx, 20, FeatureSource.Engine),
        new(CpuFeature.Rdtscp, FeatureWord.Extended1Edx, 27, FeatureSource.Engine),
        new(CpuFeature.Clzero, FeatureWord.Extended8Ebx, 0, FeatureSource.HostModel),
    ];
}
