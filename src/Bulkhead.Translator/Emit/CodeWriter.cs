using System.Runtime.CompilerServices;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <summary>Writes host instructions; knows encodings and nothing of guests.</summary>
/// <remarks><i>Threading</i>: under the code space's lock. <i>Cost</i>: a store or two an instruction; no allocation.</remarks>
internal sealed unsafe class CodeWriter
{
    private byte* _at;
    private byte* _start;
    private long _toExecutable;
    private readonly uint[] _places = new uint[8192]; // more than a block can have
    private int _placeCount;

    /// <summary>Room a caller must leave: no single template is longer.</summary>
    internal const int Slack = 512;

    /// <summary>The next byte, in the writable mapping.</summary>
    internal byte* At => _at;

    /// <summary>Bytes written since <see cref="Begin"/>.</summary>
    internal int Length => (int)(_at - _start);

    /// <summary>The executable address of the next byte.</summary>
    internal byte* Here => _at + _toExecutable;

    /// <summary>Starts writing at <paramref name="writable"/>, whose bytes execute at + <paramref name="toExecutable"/>.</summary>
    internal void Begin(byte* writable, long toExecutable)
    {
        _at = writable;
        _start = writable;
        _toExecutable = toExecutable;
        _placeCount = 0;
    }

    /// <summary>Where since <see cref="Begin"/> stands what is not the same wherever the code is, as <see cref="CodePlace"/>s in their order.</summary>
    internal ReadOnlySpan<uint> Places => _places.AsSpan(0, _placeCount);

    /// <summary>Notes what stands at a place of this block.</summary>
    internal void Note(CodePlaceKind kind, int place) => _places[_placeCount++] = CodePlace.Of(kind, place);

    internal void Byte(byte b) => *_at++ = b;

    internal void Bytes(byte a, byte b)
    {
        _at[0] = a;
        _at[1] = b;
        _at += 2;
    }

    internal void Bytes(byte a, byte b, byte c)
    {
        _at[0] = a;
        _at[1] = b;
        _at[2] = c;
        _at += 3;
    }

    internal void Int16(short v)
    {
        Unsafe.WriteUnaligned(_at, v);
        _at += 2;
    }

    internal void Int32(int v)
    {
        Unsafe.WriteUnaligned(_at, v);
        _at += 4;
    }

    internal void UInt64(ulong v)
    {
        Unsafe.WriteUnaligned(_at, v);
        _at += 8;
    }

    internal void Rex(bool w, int reg, int index, int rm)
    {
        int rex = (w ? 8 : 0) | ((reg >> 3) << 2) | ((index >> 3) << 1) | (rm >> 3);
        if (rex != 0)
        {
            Byte((byte)(0x40 | rex));
        }
    }

    internal void ModRmRegister(int reg, int rm) => Byte((byte)(0xC0 | ((reg & 7) << 3) | (rm & 7)));

    /// <summary>op reg, rm (both registers), one-byte opcode.</summary>
    internal void RegReg(byte op, int reg, int rm, bool w = true)
    {
        Rex(w, reg, 0, rm);
        Byte(op);
        ModRmRegister(reg, rm);
    }

    /// <summary>mov to, from.</summary>
    internal void Move(int to, int from, bool w = true)
    {
        if (to != from || !w)
        {
            RegReg(0x8B, to, from, w);
        }
    }

    /// <summary>ModRM, SIB and displacement of [base + index * scale + disp]; -1: none.</summary>
    internal void ModRmMemory(int reg, int @base, int index, int scaleLog2, int displacement)
    {
        int r = (reg & 7) << 3;
        if (@base < 0)
        {
            Bytes((byte)(r | 4), (byte)((scaleLog2 << 6) | ((index < 0 ? 4 : index & 7) << 3) | 5));
            Int32(displacement);
            return;
        }

        int mod = displacement == 0 && (@base & 7) != 5 ? 0 : displacement is >= -128 and <= 127 ? 1 : 2;
        if (index < 0 && (@base & 7) != 4)
        {
            Byte((byte)((mod << 6) | r | (@base & 7)));
        }
        else
        {
            Bytes((byte)((mod << 6) | r | 4), (byte)((scaleLog2 << 6) | ((index < 0 ? 4 : index & 7) << 3) | (@base & 7)));
        }

        if (mod == 1)
        {
            Byte((byte)displacement);
        }
        else if (mod == 2)
        {
            Int32(displacement);
        }
    }

    /// <summary>op reg, [base + index * scale + disp], one-byte opcode.</summary>
    internal void RegMem(byte op, int reg, int @base, int displacement, bool w = true, int index = -1, int scaleLog2 = 0)
    {
        Rex(w, reg, Math.Max(index, 0), Math.Max(@base, 0));
        Byte(op);
        ModRmMemory(reg, @base, index, scaleLog2, displacement);
    }

    internal void Lea(int reg, int @base, int displacement, bool w = true, int index = -1, int scaleLog2 = 0) =>
        RegMem(0x8D, reg, @base, displacement, w, index, scaleLog2);

    /// <summary>op reg, gs:[disp].</summary>
    internal void RegState(byte op, int reg, int offset, bool w = true)
    {
        Byte(0x65);
        Rex(w, reg, 0, 0);
        Byte(op);
        Bytes((byte)(((reg & 7) << 3) | 4), 0x25);
        Int32(offset);
    }

    /// <summary>mov reg, gs:[disp].</summary>
    internal void LoadState(int reg, int offset, bool w = true) => RegState(0x8B, reg, offset, w);

    /// <summary>mov gs:[disp], reg.</summary>
    internal void StoreState(int offset, int reg, bool w = true) => RegState(0x89, reg, offset, w);

    /// <summary>op reg, gs:[index * 8 + disp].</summary>
    internal void RegStateTable(byte op, int reg, int index, int offset, bool w = true)
    {
        Byte(0x65);
        Rex(w, reg, index, 0);
        Byte(op);
        Bytes((byte)(((reg & 7) << 3) | 4), (byte)(0xC5 | ((index & 7) << 3)));
        Int32(offset);
    }

    /// <summary>op reg, gs:[index + disp].</summary>
    internal void RegStateIndexed(byte op, int reg, int index, int offset, bool w = true)
    {
        Byte(0x65);
        Rex(w, reg, 0, index);
        Byte(op);
        if (offset is >= -128 and <= 127)
        {
            Bytes((byte)(0x40 | ((reg & 7) << 3) | (index & 7)), (byte)offset);
            return;
        }

        Byte((byte)(0x80 | ((reg & 7) << 3) | (index & 7)));
        Int32(offset);
    }

    /// <summary>mov byte gs:[disp], imm.</summary>
    internal void StoreStateByte(int offset, byte value) => StateByte(0xC6, 0, offset, value);

    /// <summary>test byte gs:[disp], imm.</summary>
    internal void TestStateByte(int offset, byte value) => StateByte(0xF6, 0, offset, value);

    /// <summary>xor byte gs:[disp], imm.</summary>
    internal void XorStateByte(int offset, byte value) => StateByte(0x80, 6, offset, value);

    /// <summary>op dword gs:[disp], imm32 of the 81 group.</summary>
    internal void StateImm(int group, int offset, int value)
    {
        Bytes(0x65, 0x81);
        Bytes((byte)((group << 3) | 4), 0x25);
        Int32(offset);
        Int32(value);
    }

    private void StateByte(byte op, int group, int offset, byte value)
    {
        Bytes(0x65, op);
        Bytes((byte)((group << 3) | 4), 0x25);
        Int32(offset);
        Byte(value);
    }

    /// <summary>movzx reg, word gs:[disp].</summary>
    internal void LoadState16(int reg, int offset)
    {
        Byte(0x65);
        Rex(false, reg, 0, 0);
        Bytes(0x0F, 0xB7);
        Bytes((byte)(((reg & 7) << 3) | 4), 0x25);
        Int32(offset);
    }

    /// <summary>mov reg16, gs:[disp]: the rest of the register stays.</summary>
    internal void MergeState16(int reg, int offset)
    {
        Bytes(0x65, 0x66);
        Rex(false, reg, 0, 0);
        Bytes(0x8B, (byte)(((reg & 7) << 3) | 4), 0x25);
        Int32(offset);
    }

    /// <summary>cmp byte gs:[disp], imm.</summary>
    internal void CompareStateByte(int offset, byte value)
    {
        Bytes(0x65, 0x80);
        Bytes(0x3C, 0x25);
        Int32(offset);
        Byte(value);
    }

    /// <summary>push qword gs:[disp].</summary>
    internal void PushState(int offset)
    {
        Bytes(0x65, 0xFF);
        Bytes(0x34, 0x25);
        Int32(offset);
    }

    /// <summary>pop qword gs:[disp].</summary>
    internal void PopState(int offset)
    {
        Bytes(0x65, 0x8F);
        Bytes(0x04, 0x25);
        Int32(offset);
    }

    /// <summary>push imm32, sign-extended.</summary>
    internal void PushConstant(int value)
    {
        Byte(0x68);
        Int32(value);
    }

    /// <summary>The shortest move of a constant; does not touch flags.</summary>
    internal void MoveConstant(int reg, ulong value)
    {
        if (value <= uint.MaxValue)
        {
            Rex(false, 0, 0, reg);
            Byte((byte)(0xB8 | (reg & 7)));
            Int32((int)value);
        }
        else if ((long)value is >= int.MinValue and < 0)
        {
            Rex(true, 0, 0, reg);
            Byte(0xC7);
            ModRmRegister(0, reg);
            Int32((int)value);
        }
        else
        {
            Rex(true, 0, 0, reg);
            Byte((byte)(0xB8 | (reg & 7)));
            UInt64(value);
        }
    }

    /// <summary>How many bytes <see cref="MoveConstant"/> writes for an extended register.</summary>
    internal static int ConstantBytes(ulong value) => value <= uint.MaxValue ? 6 : (long)value is >= int.MinValue and < 0 ? 7 : 10;

    /// <summary>cmp reg, imm32 in its long form, to be patched.</summary>
    internal void CompareInt32(int reg, int value)
    {
        Rex(true, 0, 0, reg);
        Byte(0x81);
        ModRmRegister(7, reg);
        Int32(value);
    }

    /// <summary>op reg, imm32 of the 81 group (0 add, 4 and, 7 cmp, ...), shorter where it fits.</summary>
    internal void RegImm(int group, int reg, int value, bool w = true)
    {
        Rex(w, 0, 0, reg);
        if (value is >= -128 and <= 127)
        {
            Byte(0x83);
            ModRmRegister(group, reg);
            Byte((byte)value);
        }
        else
        {
            Byte(0x81);
            ModRmRegister(group, reg);
            Int32(value);
        }
    }

    /// <summary>Shifts a register by a constant: group 4 shl, 5 shr, 7 sar.</summary>
    internal void Shift(int group, int reg, byte count, bool w)
    {
        Rex(w, 0, 0, reg);
        Byte(0xC1);
        ModRmRegister(group, reg);
        Byte(count);
    }

    /// <summary>Compares a register with its lower 48 bits, sign-extended into r11: equal where it is a canonical address.</summary>
    internal void CompareCanonical(int reg)
    {
        Move(R11, reg);
        Shift(4, R11, 16, w: true);
        Shift(7, R11, 16, w: true);
        RegReg(0x3B, R11, reg);
    }

    /// <summary>Overwrites a byte of this block.</summary>
    internal void PatchByte(int place, byte value) => _start[place] = value;

    /// <summary>jcc rel32 to be bound later; returns the place of the rel32.</summary>
    internal int Jcc(int condition)
    {
        Bytes(0x0F, (byte)(0x80 | condition));
        Int32(0);
        return Length - 4;
    }

    /// <summary>The same with the rel32 aligned, so that it can be patched atomically: filled up with prefixes that have no meaning, since a NOP would
    /// part it from the compare before it, which processors take together with a branch.</summary>
    internal int AlignedJcc(int condition)
    {
        for (int pad = (int)((0 - (nint)(_at + 2)) & 3); pad > 0; pad--)
        {
            Byte(BranchPrefix);
        }

        return Jcc(condition);
    }

    /// <summary>Segment CS: what branches ignore.</summary>
    internal const byte BranchPrefix = 0x2E;

    /// <summary>jmp rel32 to be bound later.</summary>
    internal int Jmp()
    {
        Byte(0xE9);
        Int32(0);
        return Length - 4;
    }

    /// <summary>call rel32 to be bound later.</summary>
    internal int Call()
    {
        Byte(0xE8);
        Int32(0);
        return Length - 4;
    }

    /// <summary>Binds a rel32 to the next byte.</summary>
    internal void Bind(int place) => BindTo(place, Length);

    /// <summary>Writes a 32-bit value at an offset in this block.</summary>
    internal void Patch(int place, int value) => Unsafe.WriteUnaligned(_start + place, value);

    /// <summary>Binds a rel32 to an offset in this block.</summary>
    internal void BindTo(int place, int target) => Patch(place, target - (place + 4));

    /// <summary>Binds a rel32 to an executable address.</summary>
    internal void BindTo(int place, byte* target)
    {
        Unsafe.WriteUnaligned(_start + place, (int)(target - (_start + place + 4 + _toExecutable)));
        Note(CodePlaceKind.Outside, place);
    }

    /// <summary>jmp rel32 to an executable address.</summary>
    internal void JmpTo(byte* target) => BindTo(Jmp(), target);

    /// <summary>call rel32 to an executable address.</summary>
    internal void CallTo(byte* target) => BindTo(Call(), target);

    /// <summary>Pads with NOPs until the byte after the next <paramref name="prefix"/> bytes is 4-byte aligned, so that it can be patched atomically.</summary>
    internal void AlignFor(int prefix)
    {
        int pad = (int)((0 - (nint)(_at + prefix)) & 3);
        switch (pad)
        {
            case 1: Byte(0x90); break;
            case 2: Bytes(0x66, 0x90); break;
            case 3: Bytes(0x0F, 0x1F, 0x00); break;
            default: break;
        }
    }

    /// <summary>One instruction of eight bytes that does nothing.</summary>
    internal void PadEight() => UInt64(0x0000_0000_0084_1F0F);

    /// <summary>How many bytes <see cref="SaveFlags"/> writes, with OF.</summary>
    internal const int SaveFlagsBytes = 19;

    /// <summary>How many bytes <see cref="JumpAhead"/> writes.</summary>
    internal const int JumpAheadBytes = 2;

    /// <summary>jmp over so many bytes.</summary>
    internal void JumpAhead(byte bytes) => Bytes(0xEB, bytes);

    /// <summary>Saves live host flags into the state; clobbers r11, keeps rax.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="overflow">Whether OF is among them.</param>
    internal void SaveFlags(int offset, bool overflow)
    {
        Move(R11, Rax);
        StoreFlagsThroughRax(offset, overflow);
        Move(Rax, R11);
    }

    /// <summary>lahf; seto al; mov gs:[offset], ax: rax is the caller's to save. Without SETO bits of AL stand where OF would.</summary>
    internal void StoreFlagsThroughRax(int offset, bool overflow = true)
    {
        Byte(0x9F);
        if (overflow)
        {
            Bytes(0x0F, 0x90, 0xC0);
        }

        Byte(0x66);
        StateModRm(0x89, Rax, offset);
    }

    /// <summary>movzx eax, gs:[offset]; add al, 127; sahf: rax is the caller's to save.</summary>
    internal void LoadFlagsThroughRax(int offset)
    {
        Bytes(0x65, 0x0F, 0xB7);
        Bytes(0x04, 0x25);
        Int32(offset);
        Bytes(0x04, 0x7F);
        Byte(0x9E);
    }

    /// <summary>Restores the flags; clobbers r11, keeps rax.</summary>
    internal void RestoreFlags(int offset)
    {
        Move(R11, Rax);
        LoadFlagsThroughRax(offset);
        Move(Rax, R11);
    }

    private void StateModRm(byte op, int reg, int offset)
    {
        // The 66 prefix is already written; the segment prefix may follow it.
        Byte(0x65);
        Byte(op);
        Bytes((byte)(((reg & 7) << 3) | 4), 0x25);
        Int32(offset);
    }
}
