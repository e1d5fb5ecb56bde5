namespace Bulkhead.X86.Instructions;

/// <summary>The features instructions hang from.</summary>
public enum CpuFeature : byte
{
#pragma warning disable CS1591 // The manual's names: Intel SDM Vol. 2A, CPUID.
    Base, Fpu, Cmov, Cx8, Mmx, Fxsr, Sse, Sse2, Sse3, Pclmulqdq, Ssse3, Fma, Cx16, Sse41, Sse42, Movbe, Popcnt, Aes, Xsave, Avx, F16c, Rdrand,
    FsGsBase, Bmi1, Avx2, Bmi2, Invpcid, Rdseed, Adx, Smap, Clflushopt, Clwb, Sha, Rdpid, Xsaveopt, Xsavec, LahfLm, Lzcnt, Prefetchw, Syscall, Rdtscp,
    Nx, Tsc, Monitor, Movdiri, Movdir64b, Gfni, Vaes, Vpclmulqdq, Clzero, Clflush, Serialize, None,
#pragma warning restore CS1591
}
