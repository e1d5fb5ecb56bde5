using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 2, LAR, LSL, VERR/VERW, ARPL.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult LoadRights(in Instruction instruction)
    {
        uint types = _r->LongMode ? 0x1A04u : 0x1A3Eu; // 2, 9, 11, 12; legacy also 1, 3, 4, 5
        return Query(in instruction, types, false);
    }

    private InterpretResult LoadLimit(in Instruction instruction)
    {
        uint types = _r->LongMode ? 0x0A04u : 0x0A0Eu; // 2, 9, 11; legacy also 1, 3
        return Query(in instruction, types, true);
    }

    private InterpretResult Query(in Instruction instruction, uint systemTypes, bool limit)
    {
        if (!ProtectedMode)
        {
            return FailUd();
        }

        if (!TryReadOperand(in instruction, 1, 2, out ulong operand))
        {
            return InterpretResult.Fault;
        }

        if (!TryInspect((ushort)operand, out Descriptor d, out bool found))
        {
            return InterpretResult.Fault;
        }

        int rights = Math.Max((int)operand & 3, _r->Cpl);
        found = found
            && (d.IsCodeOrData || ((systemTypes >> (int)d.Type) & 1) != 0)
            && (d.IsConforming || d.Dpl >= rights);
        if (found)
        {
            WriteRegister(instruction.Op0Register, limit ? d.Limit : (d.Value >> 32) & 0x00F0_FF00);
        }

        SetZero(found);
        return Next(in instruction);
    }

    private InterpretResult Verify(in Instruction instruction, bool write)
    {
        if (!ProtectedMode)
        {
            return FailUd();
        }

        if (!TryReadOperand(in instruction, 0, 2, out ulong operand) || !TryInspect((ushort)operand, out Descriptor d, out bool found))
        {
            return InterpretResult.Fault;
        }

        int rights = Math.Max((int)operand & 3, _r->Cpl);
        SetZero(found && (write
            ? d.IsWritableData && d.Dpl >= rights
            : d.IsReadable && (d.IsConforming || d.Dpl >= rights)));
        return Next(in instruction);
    }

    private InterpretResult AdjustRpl(in Instruction instruction)
    {
        if (!ProtectedMode)
        {
            return FailUd();
        }

        if (!TryReadOperand(in instruction, 0, 2, out ulong destination))
        {
            return InterpretResult.Fault;
        }

        ulong rpl = ReadRegister(instruction.Op1Register) & 3;
        bool raise = (destination & 3) < rpl;
        if (raise && !TryWriteOperand(in instruction, 0, 2, (destination & ~3ul) | rpl))
        {
            return InterpretResult.Fault;
        }

        SetZero(raise);
        return Next(in instruction);
    }

    /// <summary>Reads a descriptor for an instruction that answers in ZF; only paging faults.</summary>
    private bool TryInspect(ushort selector, out Descriptor descriptor, out bool found)
    {
        descriptor = default;
        found = false;
        if (IsNull(selector) || TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out descriptor))
        {
            found = !IsNull(selector);
            return true;
        }

        return Fault.Vector != GuestFault.PageFaultVector;
    }

    private void SetZero(bool zero) => _r->Rflags = zero ? _r->Rflags | Rflags.ZF : _r->Rflags & ~Rflags.ZF;
}
