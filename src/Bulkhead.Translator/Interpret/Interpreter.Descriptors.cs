using Bulkhead.X86.Memory;
using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 3.4 Logical and Linear Addresses, chapter 5 Protection.</remarks>
internal sealed unsafe partial class Interpreter
{
    /// <summary>Rights of a null data segment: unusable; SS keeps its DPL there, since CPL is read from it.</summary>
    private const uint UnusableAccess = 1 << 16;

    private static bool IsNull(ushort selector) => selector < 4;

    /// <summary>Reads a descriptor with implicit supervisor rights. Outside the table: fault <paramref name="vector"/> with the selector.</summary>
    private bool TryReadDescriptor(ushort selector, byte vector, uint ext, out Descriptor descriptor) =>
        TryReadDescriptor(selector, vector, ext, out descriptor, out _);

    private bool TryReadDescriptor(ushort selector, byte vector, uint ext, out Descriptor descriptor, out ulong address)
    {
        descriptor = default;
        ulong tableBase = _r->GdtBase;
        uint limit = _r->GdtLimit;
        if ((selector & 4) != 0)
        {
            ref Segment ldt = ref SegmentOf(SegmentIndex.Ldtr);
            tableBase = ldt.Base;
            limit = ldt.Limit;
            if (ldt.Unusable)
            {
                address = 0;
                Fault = SelectorFault(vector, selector, ext);
                return false;
            }
        }

        address = tableBase + (ulong)(selector & ~7);
        if ((uint)(selector | 7) > limit)
        {
            Fault = SelectorFault(vector, selector, ext);
            return false;
        }

        if (!TryRead(address, 8, Access.Read, out ulong value))
        {
            return false;
        }

        descriptor = new Descriptor(value);
        return true;
    }

    /// <summary>The upper half of a system descriptor, which long mode makes 16 bytes.</summary>
    private bool TryReadUpper(ushort selector, ulong address, out ulong upper)
    {
        upper = 0;
        if (!_r->LongMode)
        {
            return true;
        }

        uint limit = (selector & 4) != 0 ? SegmentOf(SegmentIndex.Ldtr).Limit : _r->GdtLimit;
        if ((uint)(selector | 7) + 8 > limit)
        {
            Fault = GuestFault.Gp(SelectorCode(selector));
            return false;
        }

        return TryRead(address + 8, 8, Access.Read, out upper);
    }

    private static uint SelectorCode(ushort selector, uint ext = 0) => (uint)(selector & ~3) | ext;

    private static GuestFault SelectorFault(byte vector, ushort selector, uint ext = 0) => GuestFault.WithCode(vector, SelectorCode(selector, ext));

    private bool FailSelector(byte vector, ushort selector, uint ext = 0)
    {
        Fault = SelectorFault(vector, selector, ext);
        return false;
    }

    /// <summary>Sets the accessed flag in the table where it is clear; a page fault there is the instruction's.</summary>
    private bool TrySetAccessed(ulong address, ref Descriptor descriptor)
    {
        if ((descriptor.Value & Descriptor.Accessed) != 0)
        {
            return true;
        }

        descriptor = new Descriptor(descriptor.Value | Descriptor.Accessed);
        return TryWrite(address + 5, 1, Access.Write, (descriptor.Value >> 40) & 0xFF);
    }

    /// <summary>Loads ES, SS, DS, FS or GS.</summary>
    internal bool TryLoadSegment(SegmentIndex index, ushort selector)
    {
        ref Segment s = ref SegmentOf(index);
        if (!ProtectedMode)
        {
            LoadReal(ref s, selector);
            return true;
        }

        if (!TryPrepareSegment(index, selector, _r->Cpl, out Segment loaded))
        {
            return false;
        }

        s = loaded;
        return true;
    }

    /// <summary>What loading a data or stack segment at a privilege level would put into the register.</summary>
    private bool TryPrepareSegment(SegmentIndex index, ushort selector, int cpl, out Segment segment)
    {
        segment = new Segment { Selector = selector, Access = UnusableAccess };
        int rpl = selector & 3;
        if (IsNull(selector))
        {
            if (index == SegmentIndex.Ss)
            {
                if (!_r->Code64 || cpl == 3 || rpl != cpl)
                {
                    Fault = GuestFault.Gp();
                    return false;
                }

                segment = NullStack(selector, cpl);
            }

            return true;
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out Descriptor d, out ulong address))
        {
            return false;
        }

        if (index == SegmentIndex.Ss)
        {
            if (rpl != cpl || !d.IsWritableData || d.Dpl != cpl)
            {
                return FailSelector(GuestFault.GeneralProtection, selector);
            }

            if (!d.Present)
            {
                return FailSelector(GuestFault.StackFault, selector);
            }
        }
        else
        {
            if (!d.IsReadable || (!d.IsConforming && Math.Max(rpl, cpl) > d.Dpl))
            {
                return FailSelector(GuestFault.GeneralProtection, selector);
            }

            if (!d.Present)
            {
                return FailSelector(GuestFault.SegmentNotPresent, selector);
            }
        }

        if (!TrySetAccessed(address, ref d))
        {
            return false;
        }

        segment = d.ToSegment(selector);
        return true;
    }

    private static Segment NullStack(ushort selector, int cpl) => new()
    {
        Selector = selector,
        Access = UnusableAccess | ((uint)cpl << 5) | (1 << 14),
        Limit = uint.MaxValue,
    };

    /// <summary>A flat segment as SYSCALL and its kin make it.</summary>
    private static Segment Flat(ushort selector, uint access) => new() { Selector = selector, Access = access, Limit = uint.MaxValue };

    /// <summary>Real mode changes selector and base; the limit stays (so that "unreal" mode works).</summary>
    private static void LoadReal(ref Segment s, ushort selector)
    {
        if (s.Unusable)
        {
            s.Limit = 0xFFFF;
        }

        s.Selector = selector;
        s.Base = (ulong)selector << 4;
        s.Access = 0x93 | (s.Access & 0xC000);
    }
}
