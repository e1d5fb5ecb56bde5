using Bulkhead.Core.Memory;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Msrs;

/// <summary>The model-specific registers of one vCPU: which exist, what may be written, and the values <see cref="Registers"/> does not hold.</summary>
/// <remarks>
/// <para>Those of devices (APIC base, x2APIC, TSC deadline) are not here. Memory types are kept and have no effect.</para>
/// <para><i>Threading</i>: the vCPU's thread.</para>
/// </remarks>
public sealed partial class MsrFile
{
    /// <summary>RDCL_NO, IBRS_ALL, SKIP_L1DFL, SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.</summary>
    private const ulong ArchCapabilities = 0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x2000 | 0x4000 | 0x8000
        | (1ul << 20) | (1ul << 24) | (1ul << 26) | (1ul << 27) | (1ul << 62);

    /// <summary>Eight variable ranges, fixed ranges, write combining.</summary>
    private const ulong MtrrCap = 0x508;

    private const ulong HoleStart = GuestMemory.HoleStart, HoleSize = GuestMemory.HighStart - GuestMemory.HoleStart;

    private readonly CpuidPolicy _cpuid;
    private readonly ulong[] _mtrrVariable = new ulong[16];
    private readonly ulong[] _mtrrFixed = new ulong[11];
    private ulong _mtrrDefault;
    private ulong _mcgStatus;
    private ulong _debugCtl;
    private ulong _syscfg;
    private ulong _hwcr;
    private ulong _deCfg;

    /// <summary>The MSRs of a vCPU after power-up.</summary>
    public MsrFile(CpuidPolicy cpuid)
    {
        _cpuid = cpuid;
        Reset();
    }

    /// <summary>TscFreqSel: the TSC counts at P0's frequency.</summary>
    private const ulong Hwcr = 1ul << 24;

    /// <summary>What IA32_DEBUGCTL keeps: nothing of it has an effect. BTF is not kept, so that who sets it sees that single steps stay single.</summary>
    private const ulong DebugCtl = 0x7FFF & ~2ul;

    /// <summary>LFENCE serializes.</summary>
    private const ulong DeCfg = 2;

    /// <summary>Puts the power-up values back (those in <see cref="Registers"/> are the caller's).</summary>
    /// <remarks>Memory types are as firmware leaves them, since a kernel may be entered without any: write-back, uncached
    /// in the hole below 4 GiB. Linux turns PAT off where it finds the MTRRs disabled.</remarks>
    public void Reset()
    {
        Array.Clear(_mtrrVariable);
        _mtrrVariable[0] = HoleStart;
        _mtrrVariable[1] = (((1ul << PageWalker.PhysicalBits) - 1) & ~(HoleSize - 1)) | (1 << 11);
        Array.Fill(_mtrrFixed, 0x0606_0606_0606_0606ul);
        _mtrrDefault = 0xC06;
        _mcgStatus = _debugCtl = _syscfg = 0;
        _hwcr = Hwcr;
        _deCfg = DeCfg;
    }

    /// <summary>Reads an MSR; false: not known here.</summary>
    /// <param name="r">The vCPU's state.</param>
    /// <param name="index">ECX.</param>
    /// <param name="tsc">What RDTSC gives now.</param>
    /// <param name="value">EDX:EAX.</param>
    public bool TryRead(ref readonly Registers r, uint index, ulong tsc, out ulong value)
    {
        switch (index)
        {
            case Msr.Tsc: value = tsc; return true;
            case Msr.TscAdjust: value = r.TscAdjust; return true;
            case Msr.Efer: value = r.Efer; return true;
            case Msr.Star: value = r.Star; return true;
            case Msr.Lstar: value = r.Lstar; return true;
            case Msr.Cstar: value = r.Cstar; return true;
            case Msr.Fmask: value = r.Sfmask; return true;
            case Msr.FsBase: value = r.Segments[(int)SegmentIndex.Fs].Base; return true;
            case Msr.GsBase: value = r.Segments[(int)SegmentIndex.Gs].Base; return true;
            case Msr.KernelGsBase: value = r.KernelGsBase; return true;
            case Msr.TscAux: value = r.TscAux; return true;
            case Msr.SysenterCs: value = r.SysenterCs; return true;
            case Msr.SysenterEsp: value = r.SysenterEsp; return true;
            case Msr.SysenterEip: value = r.SysenterEip; return true;
            case Msr.Pat: value = r.Pat; return true;
            case Msr.MiscEnable: value = r.MiscEnable; return true;
            case Msr.SpecCtrl: value = r.SpecCtrl; return true;
            case Msr.ArchCapabilities: value = ArchCapabilities; return true;
            case Msr.UcodeRevision: value = _cpuid.Amd ? 0x0100_0065 : 1ul << 32; return true;
            case Msr.MtrrCap: value = MtrrCap; return true;
            case Msr.MtrrDefType: value = _mtrrDefault; return true;
            case >= Msr.MtrrPhysBase0 and <= Msr.MtrrPhysMask7: value = _mtrrVariable[index - Msr.MtrrPhysBase0]; return true;
            case Msr.McgCap: value = 0; return true;
            case Msr.McgStatus: value = _mcgStatus; return true;
            case Msr.DebugCtl: value = _debugCtl; return true;
        }

        int range = FixedRange(index);
        if (range >= 0)
        {
            value = _mtrrFixed[range];
            return true;
        }

        return _cpuid.Amd ? TryReadAmd(index, out value) : TryReadIntel(index, out value);
    }

    private bool TryReadAmd(uint index, out ulong value)
    {
        switch (index)
        {
            case Msr.Syscfg:
                value = _syscfg;
                return true;
            case Msr.Hwcr:
                value = _hwcr;
                return true;
            case Msr.DeCfg:
                value = _deCfg;
                return true;
            case Msr.NbCfg or Msr.IntPending or Msr.MmioConfigBase or Msr.VmCr or Msr.LsCfg or Msr.IcCfg or Msr.DcCfg or Msr.BuCfg or Msr.BuCfg2:
                value = 0;
                return true;
            default:
                value = 0;
                return false;
        }
    }

    private static bool TryReadIntel(uint index, out ulong value)
    {
        value = index == Msr.FeatureControl ? 1ul : 0; // Locked, VMX off
        return index is Msr.FeatureControl or Msr.PlatformId or Msr.PlatformInfo;
    }

    /// <summary>The place of a fixed-range MTRR, or -1.</summary>
    private static int FixedRange(uint index) => index switch
    {
        Msr.MtrrFix64K => 0,
        Msr.MtrrFix16K0 => 1,
        Msr.MtrrFix16K1 => 2,
        >= Msr.MtrrFix4K0 and <= Msr.MtrrFix4K7 => (int)(index - Msr.MtrrFix4K0) + 3,
        _ => -1,
    };
}
