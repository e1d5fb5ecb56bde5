using System.Runtime.CompilerServices;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

internal sealed unsafe partial class Interpreter
{
    private const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, R11 = 11;

    /// <summary>Reads a general register (any width, zero-extended) or a segment selector.</summary>
    internal ulong ReadRegister(Register register)
    {
        ulong* gpr = _r->Gpr;
        return register switch
        {
            >= Register.RAX and <= Register.R15 => gpr[register - Register.RAX],
            >= Register.EAX and <= Register.R15D => (uint)gpr[register - Register.EAX],
            >= Register.AX and <= Register.R15W => (ushort)gpr[register - Register.AX],
            >= Register.AL and <= Register.BL => (byte)gpr[register - Register.AL],
            >= Register.AH and <= Register.BH => (byte)(gpr[register - Register.AH] >> 8),
            >= Register.SPL and <= Register.R15L => (byte)gpr[register - Register.SPL + 4],
            >= Register.ES and <= Register.GS => _r->Segments[register - Register.ES].Selector,
            _ => 0,
        };
    }

    /// <summary>Writes a general register: 32 bits clear the upper half, 8 and 16 bits leave the rest.</summary>
    internal void WriteRegister(Register register, ulong value)
    {
        ulong* gpr = _r->Gpr;
        switch (register)
        {
            case >= Register.RAX and <= Register.R15:
                gpr[register - Register.RAX] = value;
                break;
            case >= Register.EAX and <= Register.R15D:
                gpr[register - Register.EAX] = (uint)value;
                break;
            case >= Register.AX and <= Register.R15W:
                Merge(ref gpr[register - Register.AX], value, 0xFFFF, 0);
                break;
            case >= Register.AL and <= Register.BL:
                Merge(ref gpr[register - Register.AL], value, 0xFF, 0);
                break;
            case >= Register.AH and <= Register.BH:
                Merge(ref gpr[register - Register.AH], value, 0xFF, 8);
                break;
            case >= Register.SPL and <= Register.R15L:
                Merge(ref gpr[register - Register.SPL + 4], value, 0xFF, 0);
                break;
        }
    }

    /// <summary>Writes the low <paramref name="size"/> bytes of a register by number, with the same rules.</summary>
    internal void WriteGpr(int index, ulong value, int size)
    {
        switch (size)
        {
            case 8:
                _r->Gpr[index] = value;
                break;
            case 4:
                _r->Gpr[index] = (uint)value;
                break;
            case 2:
                Merge(ref _r->Gpr[index], value, 0xFFFF, 0);
                break;
            default:
                Merge(ref _r->Gpr[index], value, 0xFF, 0);
                break;
        }
    }

    /// <summary>A hidden segment register.</summary>
    internal ref Segment SegmentOf(SegmentIndex index) => ref Unsafe.Add(ref Unsafe.As<Registers.SegmentArray, Segment>(ref _r->Segments), (int)index);

    private static void Merge(ref ulong target, ulong value, ulong mask, int shift) =>
        target = (target & ~(mask << shift)) | ((value & mask) << shift);
}
