using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

internal sealed unsafe partial class CaseGenerator
{
    private const int Rax = 0;
    private const int Rcx = 1;
    private const int Rbx = 3;
    private const int Rsp = 4;
    private const int Rbp = 5;
    private const int Rsi = 6;
    private const int Rdi = 7;

    private static readonly string[] s_kindNames = Enum.GetNames<OpCodeOperandKind>();

    private bool _address32;
    private ulong _target;

    /// <summary>Gives registers an instruction uses without naming them values that lead somewhere.</summary>
    private void PinImplied()
    {
        _address32 = _random.Next(12) == 0;
        ref readonly InstructionEntry entry = ref InstructionTable.Get(_code);
        if (CaseRows.IsStack(_code) || _code.Mnemonic() == Mnemonic.Enter)
        {
            PinStack();
        }
        else if (_op.CanUseRepPrefix || _op.CanUseRepnePrefix)
        {
            Pin(Rcx, (ulong)_random.Next(48));
            Pin(Rsi, PickTarget(8, 0));
            Pin(Rdi, PickTarget(8, 0));
        }
        else if (_code.Mnemonic() is Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu)
        {
            Pin(Rdi, PickTarget(16, 0));
        }
        else if (_code.Mnemonic() == Mnemonic.Xlatb)
        {
            Pin(Rbx, PickTarget(1, 0) - (byte)_state.Gpr[Rax]);
        }
        else if (_code.Mnemonic() == Mnemonic.Clzero)
        {
            Pin(Rax, PickTarget(64, 0));
        }
        else if ((entry.ImpliedRegisters & 2) != 0 && _random.Next(2) == 0)
        {
            // Shift counts.
            Pin(Rcx, (ulong)_random.Next(70));
        }
    }

    private void PinStack()
    {
        bool edge = _random.Next(5) == 0;
        Pin(Rsp, edge ? PickTarget(8, 0) : Arena.Data + 0x800 + (ulong)(_random.Next(0x1000) & ~7));
        if (_code.Mnemonic() is Mnemonic.Enter or Mnemonic.Leave)
        {
            Pin(Rbp, edge ? PickTarget(8, 0) : Arena.Data + 0x800 + (ulong)(_random.Next(0x1000) & ~7));
        }
    }

    private void Pin(int register, ulong value)
    {
        _state.Gpr[register] = value;
        _pinned |= 1 << register;
    }

    private void SetOperand(int i, OpCodeOperandKind kind, ref int immediates)
    {
        string name = s_kindNames[(int)kind];
        if (kind == OpCodeOperandKind.mem || name.StartsWith("mem_vsib", StringComparison.Ordinal) || (name.EndsWith("_or_mem", StringComparison.Ordinal) && _random.Next(5) < 3))
        {
            _instruction.SetOpKind(i, OpKind.Memory);
            return;
        }

        if (SetImmediate(i, kind, ref immediates))
        {
            return;
        }

        switch (kind)
        {
            case OpCodeOperandKind.mem_offs:
                _instruction.SetOpKind(i, OpKind.Memory);
                return;
            case OpCodeOperandKind.es_rDI:
                _instruction.SetOpKind(i, _address32 ? OpKind.MemoryESEDI : OpKind.MemoryESRDI);
                return;
            case OpCodeOperandKind.seg_rDI:
                _instruction.SetOpKind(i, _address32 ? OpKind.MemorySegEDI : OpKind.MemorySegRDI);
                return;
            case OpCodeOperandKind.seg_rSI:
                _instruction.SetOpKind(i, _address32 ? OpKind.MemorySegESI : OpKind.MemorySegRSI);
                return;
            case OpCodeOperandKind.seg_rBX_al:
                _instruction.SetOpKind(i, OpKind.Memory);
                _instruction.MemoryBase = _address32 ? Register.EBX : Register.RBX;
                _instruction.MemoryIndex = Register.AL;
                return;
        }

        _instruction.SetOpKind(i, OpKind.Register);
        _instruction.SetOpRegister(i, PickRegister(kind, name));
    }

    private bool SetImmediate(int i, OpCodeOperandKind kind, ref int immediates)
    {
        OpKind operand = kind switch
        {
            OpCodeOperandKind.imm8 or OpCodeOperandKind.imm8_const_1 => immediates == 0 ? OpKind.Immediate8 : OpKind.Immediate8_2nd,
            OpCodeOperandKind.imm8sex16 => OpKind.Immediate8to16,
            OpCodeOperandKind.imm8sex32 => OpKind.Immediate8to32,
            OpCodeOperandKind.imm8sex64 => OpKind.Immediate8to64,
            OpCodeOperandKind.imm16 => OpKind.Immediate16,
            OpCodeOperandKind.imm32 => OpKind.Immediate32,
            OpCodeOperandKind.imm32sex64 => OpKind.Immediate32to64,
            OpCodeOperandKind.imm64 => OpKind.Immediate64,
            _ => OpKind.Register,
        };
        if (operand == OpKind.Register)
        {
            return false;
        }

        ulong value = Values.Integer(_random);
        value = kind == OpCodeOperandKind.imm8_const_1 ? 1 : _code.Mnemonic() == Mnemonic.Enter ? (ulong)_random.Next(immediates == 0 ? 256 : 36) : value;
        _instruction.SetOpKind(i, operand);
        switch (operand)
        {
            case OpKind.Immediate8:
                _instruction.Immediate8 = (byte)value;
                break;
            case OpKind.Immediate8_2nd:
                _instruction.Immediate8_2nd = (byte)value;
                break;
            case OpKind.Immediate8to16 or OpKind.Immediate8to32 or OpKind.Immediate8to64:
                _instruction.SetImmediate(i, (long)(sbyte)value);
                break;
            case OpKind.Immediate16:
                _instruction.Immediate16 = (ushort)value;
                break;
            case OpKind.Immediate32:
                _instruction.Immediate32 = (uint)value;
                break;
            case OpKind.Immediate32to64:
                _instruction.Immediate32to64 = (int)value;
                break;
            default:
                _instruction.Immediate64 = value;
                break;
        }

        immediates++;
        return true;
    }

    private Register PickRegister(OpCodeOperandKind kind, string name)
    {
        int n = _random.Next(16);
        return kind switch
        {
            OpCodeOperandKind.al => Register.AL,
            OpCodeOperandKind.cl => Register.CL,
            OpCodeOperandKind.ax => Register.AX,
            OpCodeOperandKind.dx => Register.DX,
            OpCodeOperandKind.eax => Register.EAX,
            OpCodeOperandKind.rax => Register.RAX,
            OpCodeOperandKind.st0 => Register.ST0,
            OpCodeOperandKind.sti_opcode => Register.ST0 + (n & 7),
            _ when name.StartsWith("r8_", StringComparison.Ordinal) => Register.AL + _random.Next(20),
            _ when name.StartsWith("r16_", StringComparison.Ordinal) => Register.AX + n,
            _ when name.StartsWith("r32_", StringComparison.Ordinal) => Register.EAX + n,
            _ when name.StartsWith("r64_", StringComparison.Ordinal) => Register.RAX + n,
            _ when name.StartsWith("mm_", StringComparison.Ordinal) => Register.MM0 + (n & 7),
            _ when name.StartsWith("xmm", StringComparison.Ordinal) => Register.XMM0 + n,
            _ when name.StartsWith("ymm", StringComparison.Ordinal) => Register.YMM0 + n,
            _ => Register.None,
        };
    }

    private void SetPrefixes()
    {
        bool memoryDestination = _op.OpCount > 0 && _instruction.GetOpKind(0) == OpKind.Memory;
        _instruction.HasLockPrefix = _op.CanUseLockPrefix && memoryDestination && _random.Next(3) == 0;
        if (_op.CanUseRepnePrefix && _random.Next(3) == 0)
        {
            _instruction.HasRepnePrefix = true;
        }
        else if ((_op.CanUseRepPrefix || _op.CanUseRepnePrefix) && _random.Next(3) != 0)
        {
            _instruction.HasRepPrefix = true;
        }
    }
}
