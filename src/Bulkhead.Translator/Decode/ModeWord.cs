using Bulkhead.X86.State;

namespace Bulkhead.Translator.Decode;

/// <summary>Everything outside the bytes that changes what an instruction translates to: part of every block's key.</summary>
/// <remarks>
/// <code>
/// 0-1  view (0 user, 1 supervisor, 2 supervisor that may touch user pages)
/// 2-3  CPL
/// 4-5  code size (0 16, 1 32, 2 64)
/// 6-7  stack size (0 16, 1 32, 2 64)
/// 8    a data or stack segment is not flat
/// 9    CR0.EM: x87 raises #NM, MMX #UD
/// 10   CR0.TS: x87, MMX, SSE and AVX raise #NM
/// 11   SSE raises #UD
/// 12   AVX raises #UD
/// 13   CR4.TSD and CPL not 0
/// 14   FWAIT raises #NM
/// 15   IOPL lets CLI and STI pass
/// 16   single step
/// 17   a breakpoint is enabled
/// 18   CR4.FSGSBASE
/// 19   operands are looked for in a window first
/// 20   CR4.SMAP: of a supervisor, EFLAGS.AC decides the view
/// 32-63  CS base
/// </code>
/// </remarks>
internal readonly record struct ModeWord(ulong Value)
{
    internal int View => (int)(Value & 3);

    internal int Cpl => (int)((Value >> 2) & 3);

    internal int CodeBits => 16 << (int)((Value >> 4) & 3);

    internal int StackBits => 16 << (int)((Value >> 6) & 3);

    internal bool Code64 => ((Value >> 4) & 3) == 2;

    internal bool NotFlat => (Value & (1 << 8)) != 0;

    /// <summary>Where instruction pointers count from.</summary>
    internal uint CsBase => (uint)(Value >> 32);

    /// <summary>An instruction pointer as it lies in pages: a multiple of 4096 away from its linear address.</summary>
    internal ulong InPages(ulong rip) => rip + (CsBase & 0xFFF);

    internal bool X87Unavailable => (Value & ((1 << 9) | (1 << 10))) != 0;

    internal bool MmxUndefined => (Value & (1 << 9)) != 0;

    /// <summary>#NM of MMX, SSE and AVX, where they are not undefined.</summary>
    internal bool VectorsUnavailable => (Value & (1 << 10)) != 0;

    internal bool SseUndefined => (Value & (1 << 11)) != 0;

    internal bool AvxUndefined => (Value & (1 << 12)) != 0;

    internal bool TscDenied => (Value & (1 << 13)) != 0;

    internal bool WaitUnavailable => (Value & (1 << 14)) != 0;

    internal bool InterruptFlagAllowed => (Value & (1 << 15)) != 0;

    internal bool SingleStep => (Value & (1 << 16)) != 0;

    internal bool Breakpoints => (Value & (1 << 17)) != 0;

    internal bool FsGsBase => (Value & (1 << 18)) != 0;

    /// <summary>64-bit user code: it may look for operands in a window, and be position-independent.</summary>
    internal bool User64 => View == 0 && Code64;

    /// <summary>STAC and CLAC change nothing but the view; where it is theirs already, nothing.</summary>
    internal bool ViewFollowsAc => (Value & (1 << 20)) != 0 && Cpl == 0 && Code64;

    /// <summary>The same in the other of a supervisor's views.</summary>
    internal ModeWord InOtherView() => new(Value ^ 3);

    internal bool Windowed => (Value & (1 << 19)) != 0;

    /// <summary>The same with a window, or without.</summary>
    internal ModeWord WithWindow(bool has) => new((Value & ~(1ul << 19)) | (has ? 1ul << 19 : 0));

    /// <summary>Instructions run one by one.</summary>
    internal bool Alone => (Value & ((1 << 16) | (1 << 17))) != 0;

    /// <summary>The mode word of the current state.</summary>
    internal static ModeWord Of(in Registers r)
    {
        uint v;
        ulong codeBase = 0;
        int cpl = r.Cpl;
        ulong cr0 = r.Cr0;
        ulong cr4 = r.Cr4;
        if (cpl == 3)
        {
            v = 0;
        }
        else
        {
            v = (cr4 & Cr4.SMAP) != 0 && (r.Rflags & Rflags.AC) == 0 ? 1u : 2u;
        }

        v |= (uint)cpl << 2;
        if (r.Code64)
        {
            v |= (2u << 4) | (2u << 6);
        }
        else
        {
            ref readonly Segment cs = ref r.Segments[(int)SegmentIndex.Cs];
            ref readonly Segment ss = ref r.Segments[(int)SegmentIndex.Ss];
            v |= (cs.Big ? 1u : 0u) << 4;
            v |= (ss.Big ? 1u : 0u) << 6;
            if (ss.Base != 0 || r.Segments[(int)SegmentIndex.Ds].Base != 0 || r.Segments[(int)SegmentIndex.Es].Base != 0)
            {
                v |= 1u << 8;
            }

            codeBase = cs.Base;
        }

        if ((cr0 & Cr0.EM) != 0)
        {
            v |= 1u << 9;
        }

        if ((cr0 & Cr0.TS) != 0)
        {
            v |= 1u << 10;
        }

        if ((cr0 & Cr0.EM) != 0 || (cr4 & Cr4.OSFXSR) == 0)
        {
            v |= 1u << 11;
        }

        if ((cr4 & Cr4.OSXSAVE) == 0 || (r.Xcr0 & 6) != 6 || (cr0 & Cr0.PE) == 0)
        {
            v |= 1u << 12;
        }

        if ((cr4 & Cr4.TSD) != 0 && cpl != 0)
        {
            v |= 1u << 13;
        }

        if ((cr0 & (Cr0.MP | Cr0.TS)) == (Cr0.MP | Cr0.TS))
        {
            v |= 1u << 14;
        }

        if (cpl <= (int)((r.Rflags >> 12) & 3))
        {
            v |= 1u << 15;
        }

        if ((r.Rflags & Rflags.TF) != 0)
        {
            v |= 1u << 16;
        }

        if ((r.Dr7 & Dr7.Enables) != 0)
        {
            v |= 1u << 17;
        }

        if ((cr4 & Cr4.FSGSBASE) != 0)
        {
            v |= 1u << 18;
        }

        if ((cr4 & Cr4.SMAP) != 0 && cpl != 3)
        {
            v |= 1u << 20;
        }

        return new ModeWord(v | (codeBase << 32));
    }
}
