using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// AVX2 gathers: lanes from low to high; a lane's mask element clears as it finishes, so that a fault can be resumed.
/// <i>Source</i>: Intel SDM Vol. 2C, VGATHERDPS/VGATHERQPS, VPGATHERDD/VPGATHERQD and their double forms.
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteGather(in Instruction instruction, int indexSize, int dataSize)
    {
        Register target = instruction.Op0Register;
        Register index = instruction.MemoryIndex;
        Register mask = instruction.Op2Register;
        byte* t = Vector(target);
        byte* x = Vector(index);
        byte* m = Vector(mask);
        if (t == x || t == m || x == m)
        {
            return FailUd();
        }

        if (!MayUseVectors(vex: true))
        {
            return InterpretResult.Fault;
        }

        int lanes = Math.Min(VectorLength(target) / dataSize, VectorLength(index) / indexSize);
        int used = lanes * dataSize;
        ulong origin = EffectiveOffset(in instruction);
        ulong addressMask = MaskOf(AddressSize(in instruction));
        for (int i = 0; i < lanes; i++)
        {
            if (Active(m, i, dataSize))
            {
                ulong scaled = (ulong)(SignExtend(ReadElement(x + (i * indexSize), indexSize), indexSize) * instruction.MemoryIndexScale);
                if (!TryLinear(instruction.MemorySegment, (origin + scaled) & addressMask, dataSize, false, out ulong linear)
                    || !TryRead(linear, dataSize, DataAccess(false), out ulong value))
                {
                    return InterpretResult.Fault;
                }

                WriteElement(t + (i * dataSize), dataSize, value);
            }

            WriteElement(m + (i * dataSize), dataSize, 0);
        }

        new Span<byte>(m, VectorBytes).Clear();
        new Span<byte>(t + used, VectorBytes - used).Clear();
        return Next(in instruction);
    }

    /// <summary>Whether the sign bit of a mask's element is set.</summary>
    private static bool Active(byte* mask, int lane, int size) => (mask[((lane + 1) * size) - 1] & 0x80) != 0;
}
