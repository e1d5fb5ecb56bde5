using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using Iced.Intel;

namespace Bulkhead.Translator.Emit;

/// <summary>A memory operand in guest registers, as the check template needs it.</summary>
internal readonly struct MemoryOperand
{
    /// <summary>Guest number of the base, or -1.</summary>
    internal int Base { get; init; }

    /// <summary>Guest number of the index, or -1.</summary>
    internal int Index { get; init; }

    /// <summary>log2 of the scale.</summary>
    internal int Scale { get; init; }

    /// <summary>Displacement, or the whole address when there is neither base nor index: of a <see cref="Relative"/> operand as the
    /// instruction's own address counts.</summary>
    internal long Displacement { get; init; }

    /// <summary>Whether the address was given relative to RIP.</summary>
    internal bool Relative { get; init; }

    /// <summary>16, 32 or 64.</summary>
    internal int AddressBits { get; init; }

    /// <summary>State offset of the segment base to add, or -1.</summary>
    internal int SegmentBase { get; init; }

    /// <summary>Where the operand is an element of a string of bits: log2 of its bits; 0 where it is not.</summary>
    internal int BitsLog { get; init; }

    /// <summary>Guest number of the register that holds the bit's number in the string.</summary>
    internal int Bit { get; init; }

    /// <summary>Whether the default or given segment is SS.</summary>
    internal bool Stack { get; init; }

    /// <summary>The explicit operand of an instruction.</summary>
    internal static MemoryOperand Of(in Instruction i, ModeWord mode)
    {
        int bits = i.MemoryBase switch
        {
            Register.None => i.MemoryIndex == Register.None ? i.MemoryDisplSize switch { 2 => 16, 8 => 64, _ => mode.Code64 ? 64 : 32 } : BitsOf(i.MemoryIndex),
            Register.RIP => 64,
            Register.EIP => 32,
            _ => BitsOf(i.MemoryBase),
        };
        bool relative = i.IsIPRelativeMemoryOperand;
        long displacement = relative ? (long)i.IPRelativeMemoryAddress : (long)i.MemoryDisplacement64;
        if (bits == 16)
        {
            displacement = (ushort)displacement;
        }
        else if (bits == 32)
        {
            displacement = relative || (i.MemoryBase == Register.None && i.MemoryIndex == Register.None) ? (uint)displacement : (int)displacement;
        }

        return new MemoryOperand
        {
            Base = relative || i.MemoryBase == Register.None ? -1 : i.MemoryBase.GetNumber(),
            Index = i.MemoryIndex == Register.None ? -1 : i.MemoryIndex.GetNumber(),
            Scale = i.MemoryIndexScale switch { 2 => 1, 4 => 2, 8 => 3, _ => 0 },
            Displacement = displacement,
            Relative = relative,
            AddressBits = bits,
            SegmentBase = SegmentBaseOf(i.MemorySegment, mode),
            Stack = i.MemorySegment == Register.SS,
        };
    }

    /// <summary>The low half of the same address, as an address.</summary>
    internal MemoryOperand Low32 =>
        this with { AddressBits = Math.Min(AddressBits, 32), Displacement = Base < 0 && Index < 0 ? (uint)Displacement : Displacement };

    /// <summary>The state offset of a segment's base where it has to be added, or -1.</summary>
    internal static int SegmentBaseOf(Register segment, ModeWord mode)
    {
        if (segment is Register.FS or Register.GS)
        {
            return Offsets.SegmentBase(segment - Register.ES);
        }

        if (mode.Code64)
        {
            return -1;
        }

        return segment == Register.CS
            ? (mode.CsBase != 0 ? Offsets.SegmentBase(1) : -1)
            : (mode.NotFlat ? Offsets.SegmentBase(segment - Register.ES) : -1);
    }

    private static int BitsOf(Register r) => r.GetSize() * 8;
}
