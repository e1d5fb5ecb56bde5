using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 2.5 Control Registers, 4.1.2 Paging-Mode Enabling, 17.2 Debug Registers; Vol. 2B, MOV to and from CR, DR.</remarks>
internal sealed unsafe partial class Interpreter
{
    private const ulong Cr0Bits = Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.NW | Cr0.CD | Cr0.PG;
    private const ulong Dr6Fixed = 0xFFFF_0FF0;
    private const ulong NoFlush = 1ul << 63;

    private InterpretResult ReadControl(in Instruction instruction, int number)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        ulong value;
        switch (number)
        {
            case 0: value = _r->Cr0; break;
            case 2: value = _r->Cr2; break;
            case 3: value = _r->Cr3; break;
            case 4: value = _r->Cr4; break;
            case 8: value = Io?.Interrupts.TaskPriority ?? 0; break;
            default: return FailUd();
        }

        _exits.Add(ExitReason.ControlRegister);
        WriteRegister(instruction.Op0Register, value);
        return Next(in instruction);
    }

    private InterpretResult WriteControl(in Instruction instruction, int number, ulong value)
    {
        if (number is not (0 or 2 or 3 or 4 or 8))
        {
            return FailUd();
        }

        if (!Privileged())
        {
            return FailGp();
        }

        bool ok = true;
        switch (number)
        {
            case 0:
                ok = TryWriteCr0(value);
                break;
            case 2:
                _r->Cr2 = value;
                break;
            case 3:
                ok = TryWriteCr3(value);
                break;
            case 4:
                ok = TryWriteCr4(value);
                break;
            default:
                ok = value <= 15;
                if (ok && Io is not null)
                {
                    Io.Interrupts.TaskPriority = (byte)value;
                }

                break;
        }

        if (!ok)
        {
            return FailGp();
        }

        _exits.Add(ExitReason.ControlRegister);
        return Next(in instruction);
    }

    private bool TryWriteCr0(ulong value)
    {
        bool protection = (value & Cr0.PE) != 0, paging = (value & Cr0.PG) != 0;
        if (value > uint.MaxValue || (paging && !protection) || (value & (Cr0.NW | Cr0.CD)) == Cr0.NW)
        {
            return false;
        }

        ulong next = (value & Cr0Bits) | Cr0.ET;
        ulong changed = next ^ _r->Cr0;
        ulong efer = _r->Efer;
        if ((changed & Cr0.PG) != 0)
        {
            if (paging && (efer & Efer.LME) != 0)
            {
                if ((_r->Cr4 & Cr4.PAE) == 0 || SegmentOf(SegmentIndex.Cs).Long)
                {
                    return false;
                }

                efer |= Efer.Lma;
            }
            else if (!paging)
            {
                if (_r->Code64 || (_r->Cr4 & Cr4.PCIDE) != 0)
                {
                    return false;
                }

                efer &= ~Efer.Lma;
            }
        }

        if ((changed & (Cr0.PG | Cr0.CD | Cr0.NW)) != 0 && !MayLoadPaePointers(next, _r->Cr4, efer, _r->Cr3))
        {
            return false;
        }

        _r->Cr0 = next;
        _r->Efer = efer;
        if ((changed & (Cr0.PG | Cr0.WP | Cr0.PE)) != 0)
        {
            _tlb.FlushAll();
        }

        return true;
    }

    private bool TryWriteCr3(ulong value)
    {
        bool named = _r->Code64 && (_r->Cr4 & Cr4.PCIDE) != 0;
        bool keeps = named && (value & NoFlush) != 0;
        value = named ? value & ~NoFlush : value;
        if (_r->LongMode && value >> PageWalker.PhysicalBits != 0)
        {
            return false;
        }

        if (!MayLoadPaePointers(_r->Cr0, _r->Cr4, _r->Efer, value))
        {
            return false;
        }

        ulong left = _r->Cr3;
        _r->Cr3 = value;
        if (named)
        {
            _tlb.ChangeSpace(left, value, keeps);
        }
        else
        {
            _tlb.FlushLocal();
        }

        return true;
    }

    private bool TryWriteCr4(ulong value)
    {
        ulong changed = value ^ _r->Cr4;
        if ((value & ~_cpuid.Cr4Mask) != 0 || (_r->LongMode && (value & Cr4.PAE) == 0))
        {
            return false;
        }

        if ((changed & value & Cr4.PCIDE) != 0 && (!_r->LongMode || (_r->Cr3 & 0xFFF) != 0))
        {
            return false;
        }

        if ((changed & (Cr4.PAE | Cr4.PGE | Cr4.PSE | Cr4.SMEP)) != 0 && !MayLoadPaePointers(_r->Cr0, value, _r->Efer, _r->Cr3))
        {
            return false;
        }

        _r->Cr4 = value;
        if ((changed & (Cr4.PSE | Cr4.PAE | Cr4.PGE | Cr4.PCIDE | Cr4.SMEP | Cr4.SMAP)) != 0)
        {
            _tlb.FlushAll();
        }

        return true;
    }

    /// <summary>Whether page-directory pointers are right where a write of CR0, CR3 or CR4 loads them.</summary>
    private bool MayLoadPaePointers(ulong cr0, ulong cr4, ulong efer, ulong cr3) =>
        (cr0 & Cr0.PG) == 0 || (cr4 & Cr4.PAE) == 0 || (efer & Efer.Lma) != 0 || PageWalker.MayLoadPaePointers(_memory, cr3);

    private InterpretResult ClearTaskSwitched(in Instruction instruction)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.ControlRegister);
        _r->Cr0 &= ~Cr0.TS;
        return Next(in instruction);
    }

    /// <summary>LMSW: PE, MP, EM, TS; PE can be set and not cleared.</summary>
    private InterpretResult LoadMachineStatus(in Instruction instruction)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        if (!TryReadOperand(in instruction, 0, 2, out ulong value))
        {
            return InterpretResult.Fault;
        }

        _exits.Add(ExitReason.ControlRegister);
        ulong keep = _r->Cr0 & ~(Cr0.MP | Cr0.EM | Cr0.TS);
        return TryWriteCr0(keep | (value & 0xF)) ? Next(in instruction) : FailGp();
    }

    private InterpretResult StoreMachineStatus(in Instruction instruction)
    {
        if (UserModePrevented())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.ControlRegister);
        return TryWriteOperand(in instruction, 0, 2, _r->Cr0) ? Next(in instruction) : InterpretResult.Fault;
    }

    /// <summary>SGDT, SIDT, SLDT, STR and SMSW fault in user code under CR4.UMIP.</summary>
    private bool UserModePrevented() => (_r->Cr4 & Cr4.UMIP) != 0 && !Privileged();

    private InterpretResult ReadDebug(in Instruction instruction, int number)
    {
        if (!TryDebugAccess(ref number, out InterpretResult result))
        {
            return result;
        }

        _exits.Add(ExitReason.DebugRegister);
        WriteRegister(instruction.Op0Register, number switch
        {
            6 => _r->Dr6,
            7 => _r->Dr7,
            _ => _r->Dr[number],
        });
        return Next(in instruction);
    }

    private InterpretResult WriteDebug(in Instruction instruction, int number, ulong value)
    {
        if (!TryDebugAccess(ref number, out InterpretResult result))
        {
            return result;
        }

        if (number >= 6 && value > uint.MaxValue)
        {
            return FailGp();
        }

        _exits.Add(ExitReason.DebugRegister);
        switch (number)
        {
            case 6:
                _r->Dr6 = (value & 0xE00F) | Dr6Fixed;
                break;
            case 7:
                _r->Dr7 = (value & 0xFFFF_2BFF) | 0x400;
                break;
            default:
                _r->Dr[number] = value;
                break;
        }

        return Next(in instruction);
    }

    private bool TryDebugAccess(ref int number, out InterpretResult result)
    {
        result = InterpretResult.Done;
        if (number is 4 or 5)
        {
            if ((_r->Cr4 & Cr4.DE) != 0)
            {
                result = FailUd();
                return false;
            }

            number += 2;
        }

        if (number > 7)
        {
            result = FailUd();
        }
        else if (!Privileged())
        {
            result = FailGp();
        }
        else if ((_r->Dr7 & Dr7.GD) != 0)
        {
            _r->Dr6 |= Dr6.BD;
            result = Fail(GuestFault.Plain(GuestFault.Debug));
        }

        return result == InterpretResult.Done;
    }
}
