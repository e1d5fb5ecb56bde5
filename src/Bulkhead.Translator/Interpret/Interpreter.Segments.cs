using System.Buffers.Binary;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 2, the instructions by name.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult MoveToSegment(in Instruction instruction)
    {
        SegmentIndex index = SegmentOf(instruction.Op0Register);
        if (index == SegmentIndex.Cs)
        {
            return FailUd();
        }

        if (!TryReadOperand(in instruction, 1, 2, out ulong selector) || !TryLoadSegment(index, (ushort)selector))
        {
            return InterpretResult.Fault;
        }

        _exits.Add(ExitReason.Helper);
        if (index == SegmentIndex.Ss)
        {
            _shadow = 2;
        }

        return Next(in instruction);
    }

    private InterpretResult MoveFromSegment(in Instruction instruction) =>
        TryWriteOperand(in instruction, 0, 2, SegmentOf(SegmentOf(instruction.Op1Register)).Selector) ? Next(in instruction) : InterpretResult.Fault;

    private InterpretResult PushSegment(in Instruction instruction)
    {
        int size = -instruction.StackPointerIncrement;
        if (!TryWriteStack(-size, size, SegmentOf(SegmentOf(instruction.Op0Register)).Selector))
        {
            return InterpretResult.Fault;
        }

        MoveStack(-size);
        return Next(in instruction);
    }

    private InterpretResult PopSegment(in Instruction instruction)
    {
        SegmentIndex index = SegmentOf(instruction.Op0Register);
        int size = instruction.StackPointerIncrement;
        int width = StackSize;
        if (index == SegmentIndex.Cs)
        {
            return FailUd();
        }

        if (!TryReadStack(0, size, out ulong selector) || !TryLoadSegment(index, (ushort)selector))
        {
            return InterpretResult.Fault;
        }

        // POP SS moves the stack pointer by the width the old SS had.
        WriteGpr(Rsp, _r->Gpr[Rsp] + (ulong)size, width);
        if (index == SegmentIndex.Ss)
        {
            _shadow = 2;
        }

        return Next(in instruction);
    }

    private InterpretResult LoadFarPointer(in Instruction instruction)
    {
        int size = instruction.Op0Register.GetSize();
        SegmentIndex index = instruction.Mnemonic switch
        {
            Mnemonic.Lds => SegmentIndex.Ds,
            Mnemonic.Les => SegmentIndex.Es,
            Mnemonic.Lfs => SegmentIndex.Fs,
            Mnemonic.Lgs => SegmentIndex.Gs,
            _ => SegmentIndex.Ss,
        };
        if (!TryReadFarPointer(in instruction, size, out ulong offset, out ushort selector) || !TryLoadSegment(index, selector))
        {
            return InterpretResult.Fault;
        }

        WriteRegister(instruction.Op0Register, offset);
        return Next(in instruction);
    }

    private bool TryReadFarPointer(in Instruction instruction, int size, out ulong offset, out ushort selector)
    {
        Span<byte> bytes = stackalloc byte[10];
        bytes.Clear();
        offset = 0;
        selector = 0;
        if (!TryLinear(in instruction, size + 2, false, out ulong linear) || !TryReadBytes(linear, bytes[..(size + 2)], DataAccess(false)))
        {
            return false;
        }

        offset = size switch
        {
            2 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        };
        selector = BinaryPrimitives.ReadUInt16LittleEndian(bytes[size..]);
        return true;
    }

    private InterpretResult LoadTable(in Instruction instruction, bool interrupts)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        int size = _r->Code64 ? 10 : 6;
        Span<byte> bytes = stackalloc byte[10];
        bytes.Clear();
        if (!TryLinear(in instruction, size, false, out ulong linear) || !TryReadBytes(linear, bytes[..size], DataAccess(false)))
        {
            return InterpretResult.Fault;
        }

        ushort limit = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        ulong tableBase = BinaryPrimitives.ReadUInt64LittleEndian(bytes[2..]);
        if (instruction.Code is Code.Lgdt_m1632_16 or Code.Lidt_m1632_16)
        {
            tableBase &= 0xFF_FFFF;
        }

        if (!Canonical.Is(tableBase))
        {
            return FailGp();
        }

        _exits.Add(ExitReason.GdtrIdtr);
        if (interrupts)
        {
            _r->IdtBase = tableBase;
            _r->IdtLimit = limit;
        }
        else
        {
            _r->GdtBase = tableBase;
            _r->GdtLimit = limit;
        }

        return Next(in instruction);
    }

    private InterpretResult StoreTable(in Instruction instruction, bool interrupts)
    {
        if (UserModePrevented())
        {
            return FailGp();
        }

        int size = _r->Code64 ? 10 : 6;
        Span<byte> bytes = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(interrupts ? _r->IdtLimit : _r->GdtLimit));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[2..], interrupts ? _r->IdtBase : _r->GdtBase);
        if (!TryLinear(in instruction, size, true, out ulong linear) || !TryWriteBytes(linear, bytes[..size], DataAccess(true)))
        {
            return InterpretResult.Fault;
        }

        _exits.Add(ExitReason.GdtrIdtr);
        return Next(in instruction);
    }

    private InterpretResult LoadLdt(in Instruction instruction)
    {
        if (!TrySystemSelector(in instruction, out ushort selector, out InterpretResult result))
        {
            return result;
        }

        if (IsNull(selector))
        {
            SegmentOf(SegmentIndex.Ldtr) = new Segment { Selector = selector, Access = UnusableAccess };
            return Next(in instruction);
        }

        if (!TryReadSystem(selector, out Descriptor d, out _, static d => d.Type == 2))
        {
            return InterpretResult.Fault;
        }

        SegmentOf(SegmentIndex.Ldtr) = d.ToSegment(selector);
        return Next(in instruction);
    }

    private InterpretResult LoadTask(in Instruction instruction)
    {
        if (!TrySystemSelector(in instruction, out ushort selector, out InterpretResult result))
        {
            return result;
        }

        if (IsNull(selector))
        {
            return FailGp();
        }

        bool longMode = _r->LongMode;
        if (!TryReadSystem(selector, out Descriptor d, out ulong address, longMode ? static d => d.Type == 9 : static d => d.Type is 1 or 9))
        {
            return InterpretResult.Fault;
        }

        d = new Descriptor(d.Value | Descriptor.Busy, d.BaseHigh);
        if (!TryWrite(address + 5, 1, Access.Write, (d.Value >> 40) & 0xFF))
        {
            return InterpretResult.Fault;
        }

        SegmentOf(SegmentIndex.Tr) = d.ToSegment(selector);
        return Next(in instruction);
    }

    /// <summary>The checks LLDT and LTR share, and their operand.</summary>
    private bool TrySystemSelector(in Instruction instruction, out ushort selector, out InterpretResult result)
    {
        selector = 0;
        result = InterpretResult.Done;
        if (!ProtectedMode)
        {
            result = FailUd();
        }
        else if (!Privileged())
        {
            result = FailGp();
        }
        else if (!TryReadOperand(in instruction, 0, 2, out ulong value))
        {
            result = InterpretResult.Fault;
        }
        else
        {
            _exits.Add(ExitReason.LdtrTr);
            selector = (ushort)value;
        }

        return result == InterpretResult.Done;
    }

    private bool TryReadSystem(ushort selector, out Descriptor d, out ulong address, Func<Descriptor, bool> accepts)
    {
        d = default;
        address = 0;
        if ((selector & 4) != 0)
        {
            return FailSelector(GuestFault.GeneralProtection, selector);
        }

        if (!TryReadDescriptor(selector, GuestFault.GeneralProtection, 0, out d, out address))
        {
            return false;
        }

        if (d.IsCodeOrData || !accepts(d))
        {
            return FailSelector(GuestFault.GeneralProtection, selector);
        }

        if (!d.Present)
        {
            return FailSelector(GuestFault.SegmentNotPresent, selector);
        }

        if (!TryReadUpper(selector, address, out ulong upper))
        {
            return false;
        }

        d = new Descriptor(d.Value, (uint)upper);
        if (Canonical.Is(d.Base))
        {
            return true;
        }

        return FailSelector(GuestFault.GeneralProtection, selector);
    }

    private InterpretResult StoreSelector(in Instruction instruction, SegmentIndex index)
    {
        if (!ProtectedMode)
        {
            return FailUd();
        }

        if (UserModePrevented())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.LdtrTr);
        return TryWriteOperand(in instruction, 0, 2, SegmentOf(index).Selector) ? Next(in instruction) : InterpretResult.Fault;
    }

    private InterpretResult Swapgs(in Instruction instruction)
    {
        if (!_r->Code64)
        {
            return FailUd();
        }

        if (!Privileged())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Helper);
        ref Segment gs = ref SegmentOf(SegmentIndex.Gs);
        (gs.Base, _r->KernelGsBase) = (_r->KernelGsBase, gs.Base);
        return Next(in instruction);
    }

    private InterpretResult ReadBase(in Instruction instruction, SegmentIndex index)
    {
        if (!_r->Code64 || (_r->Cr4 & Cr4.FSGSBASE) == 0)
        {
            return FailUd();
        }

        WriteRegister(instruction.Op0Register, SegmentOf(index).Base);
        return Next(in instruction);
    }

    private InterpretResult WriteBase(in Instruction instruction, SegmentIndex index)
    {
        if (!_r->Code64 || (_r->Cr4 & Cr4.FSGSBASE) == 0)
        {
            return FailUd();
        }

        ulong value = ReadRegister(instruction.Op0Register);
        if (!Canonical.Is(value))
        {
            return FailGp();
        }

        SegmentOf(index).Base = value;
        return Next(in instruction);
    }
}
