using System.Numerics;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// Moves under a mask: bytes of inactive lanes are neither read, written nor checked. All active lanes are translated before
/// the first is written. <i>Source</i>: Intel SDM Vol. 2C, VMASKMOV, VPMASKMOV; Vol. 2B, MASKMOVDQU, MASKMOVQ.
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteMaskedLoad(in Instruction instruction, int laneSize)
    {
        if (!MayUseVectors(vex: true))
        {
            return InterpretResult.Fault;
        }

        int length = VectorLength(instruction.Op0Register);
        uint bytes = ActiveBytes(Vector(instruction.Op1Register), length, laneSize);
        byte* data = stackalloc byte[VectorBytes];
        new Span<byte>(data, VectorBytes).Clear();
        if (!TryMasked(instruction.MemorySegment, EffectiveOffset(in instruction), MaskOf(AddressSize(in instruction)), data, bytes, MaskedStep.Read))
        {
            return InterpretResult.Fault;
        }

        new ReadOnlySpan<byte>(data, VectorBytes).CopyTo(new Span<byte>(Vector(instruction.Op0Register), VectorBytes));
        return Next(in instruction);
    }

    private InterpretResult ExecuteMaskedStore(in Instruction instruction, int laneSize)
    {
        if (!MayUseVectors(vex: true))
        {
            return InterpretResult.Fault;
        }

        uint bytes = ActiveBytes(Vector(instruction.Op1Register), VectorLength(instruction.Op1Register), laneSize);
        return StoreMasked(in instruction, EffectiveOffset(in instruction), MaskOf(AddressSize(in instruction)), Vector(instruction.Op2Register), bytes);
    }

    private InterpretResult ExecuteMaskMovDqu(in Instruction instruction, bool vex) =>
        MayUseVectors(vex)
            ? StoreAtRdi(in instruction, Vector(instruction.Op1Register), ActiveBytes(Vector(instruction.Op2Register), 16, 1))
            : InterpretResult.Fault;

    private InterpretResult ExecuteMaskMovQ(in Instruction instruction)
    {
        if ((_r->Cr0 & Cr0.EM) != 0)
        {
            return FailUd();
        }

        if (!MayUse(Cr0.TS) || !MayUseX87State())
        {
            return InterpretResult.Fault;
        }

        // MMn is the low part of physical register n; the saved image is in stack order.
        int top = X87Top;
        byte* data = X87Register((instruction.Op1Register - Register.MM0 - top) & 7);
        byte* mask = X87Register((instruction.Op2Register - Register.MM0 - top) & 7);
        ulong value = *(ulong*)data;
        uint bytes = ActiveBytes(mask, 8, 1);
        SetX87Top(0);
        _r->X87[X87Tags] = 0xFF;
        _fpu.LoadX87();
        return StoreAtRdi(in instruction, (byte*)&value, bytes);
    }

    private InterpretResult StoreAtRdi(in Instruction instruction, byte* data, uint bytes)
    {
        ulong mask = MaskOf(instruction.Op0Kind switch
        {
            OpKind.MemorySegDI => 2,
            OpKind.MemorySegEDI => 4,
            _ => 8,
        });
        return StoreMasked(in instruction, _r->Gpr[Rdi] & mask, mask, data, bytes);
    }

    private InterpretResult StoreMasked(in Instruction instruction, ulong offset, ulong addressMask, byte* data, uint bytes) =>
        TryMasked(instruction.MemorySegment, offset, addressMask, data, bytes, MaskedStep.Probe)
            && TryMasked(instruction.MemorySegment, offset, addressMask, data, bytes, MaskedStep.Write)
            ? Next(in instruction)
            : InterpretResult.Fault;

    /// <summary>A bit for every byte of the lanes whose sign bit is set.</summary>
    private static uint ActiveBytes(byte* mask, int length, int laneSize)
    {
        uint bytes = 0;
        for (int i = 0; i < length / laneSize; i++)
        {
            if (Active(mask, i, laneSize))
            {
                bytes |= ((1u << laneSize) - 1) << (i * laneSize);
            }
        }

        return bytes;
    }

    /// <summary>Does one step for every run of active bytes.</summary>
    private bool TryMasked(Register segment, ulong offset, ulong addressMask, byte* data, uint bytes, MaskedStep step)
    {
        while (bytes != 0)
        {
            int start = BitOperations.TrailingZeroCount(bytes);
            int length = BitOperations.TrailingZeroCount(~(ulong)(bytes >> start));
            bytes &= ~(uint)(((1ul << length) - 1) << start);
            if (!TryLinear(segment, (offset + (ulong)start) & addressMask, length, step != MaskedStep.Read, out ulong linear))
            {
                return false;
            }

            bool ok = step switch
            {
                MaskedStep.Read => TryReadBytes(linear, new Span<byte>(data + start, length), DataAccess(false)),
                MaskedStep.Probe => TryProbe(linear, length, DataAccess(true)),
                _ => TryWriteBytes(linear, new ReadOnlySpan<byte>(data + start, length), DataAccess(true)),
            };
            if (!ok)
            {
                return false;
            }
        }

        return true;
    }
}
