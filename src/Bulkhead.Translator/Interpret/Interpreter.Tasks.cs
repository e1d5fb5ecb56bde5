using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;

namespace Bulkhead.Translator.Interpret;

/// <remarks>There are no hardware task switches; what a switch is checked for is checked, so that only one that would happen is refused.
/// <i>Source</i>: Intel SDM Vol. 3A, 7.2.2 TSS Descriptor, 7.3 Task Switching; Vol. 2A, IRET.</remarks>
internal sealed unsafe partial class Interpreter
{
    private const uint LeastTssLimit = 0x67, LeastTssLimit16 = 0x2B;

    /// <summary>The switch a JMP, a CALL, an interrupt or an exception asks for.</summary>
    private InterpretResult SwitchTask(ushort selector, uint ext, string what) =>
        MaySwitchTo(selector, GuestFault.GeneralProtection, ext, busy: false) ? Refuse(what) : InterpretResult.Fault;

    /// <summary>The switch that IRET with NT asks for, to the task its own was called from.</summary>
    private InterpretResult ReturnToTask()
    {
        if (!TryRead(SegmentOf(SegmentIndex.Tr).Base, 2, Access.Read, out ulong link))
        {
            return InterpretResult.Fault;
        }

        return MaySwitchTo((ushort)link, GuestFault.InvalidTss, 0, busy: true) ? Refuse("task return by IRET") : InterpretResult.Fault;
    }

    private bool MaySwitchTo(ushort selector, byte vector, uint ext, bool busy)
    {
        if ((selector & 4) != 0)
        {
            return FailSelector(vector, selector, ext);
        }

        if (!TryReadDescriptor(selector, vector, ext, out Descriptor d))
        {
            return false;
        }

        bool isTss = !d.IsCodeOrData && (busy ? d.Type is 3 or 11 : d.Type is 1 or 9);
        if (IsNull(selector) || !isTss)
        {
            return FailSelector(vector, selector, ext);
        }

        if (!d.Present)
        {
            return FailSelector(GuestFault.SegmentNotPresent, selector, ext);
        }

        return d.Limit >= ((d.Type & 8) != 0 ? LeastTssLimit : LeastTssLimit16) || FailSelector(GuestFault.InvalidTss, selector, ext);
    }
}
