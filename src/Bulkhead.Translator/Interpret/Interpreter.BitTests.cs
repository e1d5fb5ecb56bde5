using System.Numerics;
using Bulkhead.Core.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>
/// BT, BTS, BTR and BTC. With a register index the bit string reaches far to both sides of the operand's address.
/// <i>Source</i>: Intel SDM Vol. 2A, 3.1.1.9 Operation Section (Memory Bit Indexing) and BT-Bit Test.
/// </remarks>
internal sealed unsafe partial class Interpreter
{
    private InterpretResult ExecuteBitTest(in Instruction instruction, int size, BitOperation operation)
    {
        int bits = size * 8;
        long index = instruction.GetOpKind(1) == OpKind.Register
            ? SignExtend(ReadRegister(instruction.GetOpRegister(1)), size)
            : (long)instruction.GetImmediate(1) & (bits - 1);
        int bit = (int)(index & (bits - 1));
        bool old;
        if (instruction.GetOpKind(0) == OpKind.Register)
        {
            Register register = instruction.GetOpRegister(0);
            ulong value = ReadRegister(register);
            old = ((value >> bit) & 1) != 0;
            if (operation != BitOperation.Test)
            {
                WriteRegister(register, Apply(value, 1ul << bit, operation));
            }
        }
        else
        {
            long displacement = (index >> BitOperations.Log2((uint)bits)) * size;
            ulong offset = (EffectiveOffset(in instruction) + (ulong)displacement) & MaskOf(AddressSize(in instruction));
            if (!TryLinear(instruction.MemorySegment, offset, size, operation != BitOperation.Test, out ulong linear)
                || !TryBitInMemory(linear, size, bit, operation, out old))
            {
                return InterpretResult.Fault;
            }
        }

        // The manual leaves the others undefined; processors leave them alone.
        _r->Rflags = (_r->Rflags & ~Rflags.CF) | (old ? Rflags.CF : 0);
        return Next(in instruction);
    }

    /// <summary>Tests and changes one bit. In RAM the change is atomic, with LOCK or without.</summary>
    private bool TryBitInMemory(ulong linear, int size, int bit, BitOperation operation, out bool old)
    {
        old = false;
        if (operation == BitOperation.Test)
        {
            bool read = TryRead(linear, size, DataAccess(false), out ulong tested);
            old = ((tested >> bit) & 1) != 0;
            return read;
        }

        ulong byteAddress = linear + (ulong)(bit >> 3);
        if (!TryProbe(linear, size, DataAccess(true)) || !TryTranslate(byteAddress, DataAccess(true), out Gpa address))
        {
            return false;
        }

        byte* p = _memory.HostPointer(address, 1);
        if (p is not null)
        {
            // SAFETY: an aligned word lies in one page with any of its bytes. One bit of it changes, so the bytes beside
            // the operand are safe against other vCPUs too, and an operand across two pages needs no lock of its own.
            uint* word = (uint*)((nuint)p & ~(nuint)3);
            uint mask = 1u << ((((int)(nuint)p & 3) * 8) + (bit & 7));
            old = (ChangeAtomically(word, mask, operation) & mask) != 0;
            _memory.NotifyWritten(address, 1);
            return true;
        }

        if (!TryRead(linear, size, DataAccess(true), out ulong value))
        {
            return false;
        }

        old = ((value >> bit) & 1) != 0;
        return TryWrite(linear, size, DataAccess(true), Apply(value, 1ul << bit, operation));
    }

    private static uint ChangeAtomically(uint* word, uint mask, BitOperation operation)
    {
        switch (operation)
        {
            case BitOperation.Set:
                return Interlocked.Or(ref *word, mask);
            case BitOperation.Reset:
                return Interlocked.And(ref *word, ~mask);
            default:
                while (true)
                {
                    uint value = Volatile.Read(ref *word);
                    if (Interlocked.CompareExchange(ref *word, value ^ mask, value) == value)
                    {
                        return value;
                    }
                }
        }
    }

    private static ulong Apply(ulong value, ulong mask, BitOperation operation) => operation switch
    {
        BitOperation.Set => value | mask,
        BitOperation.Reset => value & ~mask,
        _ => value ^ mask,
    };

    private static long SignExtend(ulong value, int size) => size switch
    {
        1 => (sbyte)value,
        2 => (short)value,
        4 => (int)value,
        _ => (long)value,
    };
}
