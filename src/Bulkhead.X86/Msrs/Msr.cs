namespace Bulkhead.X86.Msrs;

/// <summary>Numbers of model-specific registers.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 4, 2.1 Architectural MSRs; AMD APM Vol. 2, Appendix A MSR Cross-Reference.</remarks>
public static class Msr
{
#pragma warning disable CS1591 // The manuals' names.
    public const uint Tsc = 0x10, PlatformId = 0x17, ApicBase = 0x1B, FeatureControl = 0x3A, TscAdjust = 0x3B, SpecCtrl = 0x48, PredCmd = 0x49,
        UcodeWrite = 0x79, UcodeRevision = 0x8B, PlatformInfo = 0xCE, MtrrCap = 0xFE, ArchCapabilities = 0x10A, FlushCmd = 0x10B,
        SysenterCs = 0x174, SysenterEsp = 0x175, SysenterEip = 0x176, McgCap = 0x179, McgStatus = 0x17A, MiscEnable = 0x1A0,
        DebugCtl = 0x1D9, MtrrPhysBase0 = 0x200, MtrrPhysMask7 = 0x20F, MtrrFix64K = 0x250, MtrrFix16K0 = 0x258, MtrrFix16K1 = 0x259,
        MtrrFix4K0 = 0x268, MtrrFix4K7 = 0x26F, Pat = 0x277, MtrrDefType = 0x2FF, TscDeadline = 0x6E0,
        X2ApicFirst = 0x800, X2ApicLast = 0x8FF, Efer = 0xC000_0080, Star = 0xC000_0081, Lstar = 0xC000_0082, Cstar = 0xC000_0083,
        Fmask = 0xC000_0084, FsBase = 0xC000_0100, GsBase = 0xC000_0101, KernelGsBase = 0xC000_0102, TscAux = 0xC000_0103,
        Syscfg = 0xC001_0010, Hwcr = 0xC001_0015, NbCfg = 0xC001_001F, PatchLoader = 0xC001_0020, IntPending = 0xC001_0055,
        MmioConfigBase = 0xC001_0058, VmCr = 0xC001_0114, LsCfg = 0xC001_1020, IcCfg = 0xC001_1021, DcCfg = 0xC001_1022,
        BuCfg = 0xC001_1023, DeCfg = 0xC001_1029, BuCfg2 = 0xC001_102A;
#pragma warning restore CS1591
}
