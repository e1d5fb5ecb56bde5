using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>Instructions of 16- and 32-bit code that 64-bit mode has no encoding for, and XLAT. <i>Source</i>: Intel SDM Vol. 2A, 2B.</remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteAsciiAdjust(in Instruction instruction, bool subtract)
    {
        ulong ax = (ushort)_r->Gpr[Rax];
        bool adjust = (ax & 0xF) > 9 || (_r->Rflags & Rflags.AF) != 0;
        if (adjust)
        {
            ax = subtract ? ax - 0x106 : ax + 0x106;
        }

        WriteGpr(Rax, ax & 0xFF0F, 2);
        SetStatus((adjust ? Rflags.AF | Rflags.CF : 0) | ResultFlags((byte)(ax & 0xF)));
        return Next(in instruction);
    }

    private InterpretResult ExecuteDecimalAdjust(in Instruction instruction, bool subtract)
    {
        byte old = (byte)_r->Gpr[Rax];
        bool carry = (_r->Rflags & Rflags.CF) != 0;
        bool low = (old & 0xF) > 9 || (_r->Rflags & Rflags.AF) != 0;
        bool high = old > 0x99 || carry;

        // Only the borrow of DAS can come from the low step alone; the carry of DAA's then has high set as well.
        bool carryOut = high || (low && subtract && old < 6);
        int delta = (low ? 6 : 0) + (high ? 0x60 : 0);
        byte al = (byte)(subtract ? old - delta : old + delta);
        WriteGpr(Rax, al, 1);
        SetStatus((low ? Rflags.AF : 0) | (carryOut ? Rflags.CF : 0) | ResultFlags(al));
        return Next(in instruction);
    }

    private InterpretResult ExecuteAam(in Instruction instruction)
    {
        byte radix = instruction.Immediate8;
        if (radix == 0)
        {
            return Fail(GuestFault.Plain(GuestFault.DivideError));
        }

        byte al = (byte)_r->Gpr[Rax];
        WriteGpr(Rax, ((ulong)(al / radix) << 8) | (byte)(al % radix), 2);
        SetStatus(ResultFlags((byte)(al % radix)));
        return Next(in instruction);
    }

    private InterpretResult ExecuteAad(in Instruction instruction)
    {
        byte al = (byte)(_r->Gpr[Rax] + ((byte)(_r->Gpr[Rax] >> 8) * (ulong)instruction.Immediate8));
        WriteGpr(Rax, al, 2);
        SetStatus(ResultFlags(al));
        return Next(in instruction);
    }

    private InterpretResult ExecuteSalc(in Instruction instruction)
    {
        WriteGpr(Rax, (_r->Rflags & Rflags.CF) != 0 ? 0xFFu : 0, 1);
        return Next(in instruction);
    }

    /// <summary>Raises #BR where a signed index lies outside the two bounds in memory.</summary>
    private InterpretResult ExecuteBound(in Instruction instruction, int size)
    {
        if (!TryLinear(in instruction, size * 2, false, out ulong linear) || !TryReadPair(linear, size, out long lower, out long upper))
        {
            return InterpretResult.Fault;
        }

        long index = SignExtend(ReadRegister(instruction.GetOpRegister(0)), size);
        return index < lower || index > upper ? Fail(GuestFault.Plain(BoundRange)) : Next(in instruction);
    }

    private const byte BoundRange = 5;

    private bool TryReadPair(ulong linear, int size, out long lower, out long upper)
    {
        bool ok = TryRead(linear, size * 2, DataAccess(false), out ulong both);
        lower = SignExtend(both, size);
        upper = SignExtend(both >> (size * 8), size);
        return ok;
    }

    private InterpretResult ExecuteXlat(in Instruction instruction)
    {
        ulong mask = MaskOf(AddressSize(in instruction));
        ulong offset = (_r->Gpr[Rbx] + (byte)_r->Gpr[Rax]) & mask;
        if (!TryLinear(instruction.MemorySegment, offset, 1, false, out ulong linear) || !TryRead(linear, 1, DataAccess(false), out ulong value))
        {
            return InterpretResult.Fault;
        }

        WriteGpr(Rax, value, 1);
        return Next(in instruction);
    }

    /// <summary>CLFLUSH and its kin: caches are coherent here, so only the address counts.</summary>
    private InterpretResult ExecuteCacheLine(in Instruction instruction) =>
        TryLinear(in instruction, 1, false, out ulong linear) && TryProbe(linear, 1, DataAccess(false)) ? Next(in instruction) : InterpretResult.Fault;

    /// <summary>CLZERO: a cache line of zeros at rAX.</summary>
    private InterpretResult ExecuteClzero(in Instruction instruction)
    {
        ulong offset = _r->Gpr[0] & MaskOf(instruction.Code switch { Code.Clzerow => 2, Code.Clzerod => 4, _ => 8 }) & ~63ul;
        Register segment = instruction.SegmentPrefix == Register.None ? Register.DS : instruction.SegmentPrefix;
        Span<byte> line = stackalloc byte[64];
        line.Clear();
        return TryLinear(segment, offset, 64, true, out ulong linear) && TryWriteBytes(linear, line, DataAccess(true))
            ? Next(in instruction)
            : InterpretResult.Fault;
    }

    /// <summary>SF, ZF and PF of a byte.</summary>
    private static ulong ResultFlags(byte value) =>
        ((value & 0x80) != 0 ? Rflags.SF : 0) | (value == 0 ? Rflags.ZF : 0) | ParityFlag(value);
}
