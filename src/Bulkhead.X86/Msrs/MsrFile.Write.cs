using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Msrs;

public sealed partial class MsrFile
{
    /// <summary>Writes an MSR.</summary>
    /// <param name="r">The vCPU's state.</param>
    /// <param name="index">ECX.</param>
    /// <param name="value">EDX:EAX.</param>
    /// <param name="tsc">What RDTSC gives now.</param>
    public MsrOutcome TryWrite(ref Registers r, uint index, ulong value, ulong tsc)
    {
        switch (index)
        {
            case Msr.Tsc:
                return MoveTsc(ref r, value - tsc);
            case Msr.TscAdjust:
                return MoveTsc(ref r, value - r.TscAdjust);
            case Msr.Efer:
                return WriteEfer(ref r, value);
            case Msr.Star:
                r.Star = value;
                return MsrOutcome.Done;
            case Msr.Lstar:
                return WriteAddress(ref r.Lstar, value);
            case Msr.Cstar:
                return WriteAddress(ref r.Cstar, value);
            case Msr.Fmask:
                r.Sfmask = (uint)value;
                return MsrOutcome.Done;
            case Msr.FsBase:
                return WriteAddress(ref r.Segments[(int)SegmentIndex.Fs].Base, value);
            case Msr.GsBase:
                return WriteAddress(ref r.Segments[(int)SegmentIndex.Gs].Base, value);
            case Msr.KernelGsBase:
                return WriteAddress(ref r.KernelGsBase, value);
            case Msr.TscAux:
                if (!_cpuid.Amd && value > uint.MaxValue)
                {
                    return MsrOutcome.Refused;
                }

                r.TscAux = (uint)value;
                return MsrOutcome.Done;
            case Msr.SysenterCs:
                r.SysenterCs = (uint)value;
                return MsrOutcome.Done;
            case Msr.SysenterEsp:
                return WriteAddress(ref r.SysenterEsp, value);
            case Msr.SysenterEip:
                return WriteAddress(ref r.SysenterEip, value);
            case Msr.Pat:
                if (!MemoryTypesAreValid(value, pat: true))
                {
                    return MsrOutcome.Refused;
                }

                r.Pat = value;
                return MsrOutcome.Done;
            case Msr.MiscEnable:
                r.MiscEnable = value;
                return MsrOutcome.Done;
            case Msr.SpecCtrl:
                if ((value & ~7ul) != 0)
                {
                    return MsrOutcome.Refused;
                }

                r.SpecCtrl = value;
                return MsrOutcome.Done;
            case Msr.PredCmd:
                return (value & ~1ul) == 0 ? MsrOutcome.Done : MsrOutcome.Refused;
            case Msr.FlushCmd:
                return !_cpuid.Amd && (value & ~1ul) == 0 ? MsrOutcome.Done : MsrOutcome.Refused;
            case Msr.ArchCapabilities or Msr.MtrrCap or Msr.McgCap:
                return MsrOutcome.Refused;
            case Msr.UcodeRevision or Msr.UcodeWrite:
                return MsrOutcome.Done;
            case Msr.McgStatus:
                _mcgStatus = value;
                return MsrOutcome.Done;
            case Msr.DebugCtl:
                _debugCtl = value & DebugCtl;
                return MsrOutcome.Done;
        }

        return index is (>= Msr.MtrrPhysBase0 and <= Msr.MtrrPhysMask7) or Msr.MtrrDefType || FixedRange(index) >= 0
            ? WriteMtrr(index, value)
            : _cpuid.Amd ? WriteAmd(index, value) : WriteIntel(index);
    }

    private static MsrOutcome MoveTsc(ref Registers r, ulong delta)
    {
        r.TscAdjust += delta;
        r.TscOffset += delta;
        return MsrOutcome.Done;
    }

    private static MsrOutcome WriteAddress(ref ulong target, ulong value)
    {
        if (!Canonical.Is(value))
        {
            return MsrOutcome.Refused;
        }

        target = value;
        return MsrOutcome.Done;
    }

    /// <remarks><i>Source</i>: AMD APM Vol. 2, 3.1.7 Extended Feature Enable Register (EFER).</remarks>
    private MsrOutcome WriteEfer(ref Registers r, ulong value)
    {
        bool paging = (r.Cr0 & Cr0.PG) != 0;
        if ((value & ~_cpuid.EferMask) != 0 || (paging && ((value ^ r.Efer) & Efer.LME) != 0))
        {
            return MsrOutcome.Refused;
        }

        ulong next = (value & ~Efer.Lma) | (r.Efer & Efer.Lma); // LMA follows LME and CR0.PG only
        bool flush = ((next ^ r.Efer) & Efer.NXE) != 0;
        r.Efer = next;
        return flush ? MsrOutcome.DoneFlush : MsrOutcome.Done;
    }

    private MsrOutcome WriteMtrr(uint index, ulong value)
    {
        int range = FixedRange(index);
        if (range >= 0)
        {
            if (!MemoryTypesAreValid(value, pat: false))
            {
                return MsrOutcome.Refused;
            }

            _mtrrFixed[range] = value;
        }
        else if (index == Msr.MtrrDefType)
        {
            if ((value & ~0xCFFul) != 0 || !MemoryTypeIsValid((byte)value, pat: false))
            {
                return MsrOutcome.Refused;
            }

            _mtrrDefault = value;
        }
        else
        {
            _mtrrVariable[index - Msr.MtrrPhysBase0] = value;
        }

        return MsrOutcome.Done;
    }

    private MsrOutcome WriteAmd(uint index, ulong value)
    {
        switch (index)
        {
            case Msr.Syscfg:
                _syscfg = value;
                return MsrOutcome.Done;
            case Msr.Hwcr:
                _hwcr = value | Hwcr;
                return MsrOutcome.Done;
            case Msr.DeCfg:
                _deCfg = value | DeCfg;
                return MsrOutcome.Done;
            case Msr.NbCfg or Msr.IntPending or Msr.MmioConfigBase or Msr.VmCr or Msr.LsCfg or Msr.IcCfg or Msr.DcCfg or Msr.BuCfg or Msr.BuCfg2 or Msr.PatchLoader:
                return MsrOutcome.Done;
            default:
                return MsrOutcome.Unknown;
        }
    }

    private static MsrOutcome WriteIntel(uint index) =>
        index is Msr.FeatureControl or Msr.PlatformId or Msr.PlatformInfo ? MsrOutcome.Refused : MsrOutcome.Unknown;

    private static bool MemoryTypesAreValid(ulong types, bool pat)
    {
        for (int i = 0; i < 64; i += 8)
        {
            if (!MemoryTypeIsValid((byte)(types >> i), pat))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>UC, WC, WT, WP, WB; PAT also UC-.</summary>
    private static bool MemoryTypeIsValid(byte type, bool pat) => type is 0 or 1 or 4 or 5 or 6 || (pat && type == 7);
}
