using System.Buffers.Binary;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

internal sealed unsafe partial class CaseGenerator
{
    /// <summary>Where an operand of so many bytes may stand: mostly inside, at edges often, outside sometimes.</summary>
    private ulong PickTarget(int size, int alignment)
    {
        size = Math.Max(size, 1);
        int inside = Arena.DataBytes - size;
        int kind = _random.Next(alignment > 0 ? 40 : 24);
        ulong address = kind switch
        {
            0 => Arena.Data + 0x1000 - (ulong)_random.Next(size + 1),
            1 => Arena.Data + (ulong)inside,
            2 => Arena.Data + Arena.DataBytes - (ulong)_random.Next(size + 1),
            3 => Arena.Data - (ulong)_random.Next(size + 1),
            4 or 5 => Arena.ReadOnly + (ulong)_random.Next(Arena.ReadOnlyBytes - size),
            6 or 7 => Arena.Data + (ulong)Math.Max(0, (64 * _random.Next(1, 120)) - _random.Next(size)),
            8 or 9 or 10 => Arena.Data + (ulong)_random.Next(inside),
            11 when _random.Next(4) == 0 => 0x8000_0000_0000_0000 | Arena.Data,
            _ => Arena.Data + (ulong)(_random.Next(inside) & ~(Math.Min(64, (int)BitOperationsRoundUp(size)) - 1)),
        };
        return kind >= 12 || alignment == 0 ? address : _random.Next(4) == 0 ? address : address & ~(ulong)(alignment - 1);
    }

    private static uint BitOperationsRoundUp(int size) => System.Numerics.BitOperations.RoundUpToPowerOf2((uint)size);

    private void SetMemoryOperand()
    {
        int at = 0;
        while (at < _op.OpCount && _instruction.GetOpKind(at) != OpKind.Memory)
        {
            at++;
        }

        _target = 0;
        if (at == _op.OpCount || _op.GetOpKind(at) == OpCodeOperandKind.seg_rBX_al)
        {
            return;
        }

        int size = _instruction.MemorySize.GetSize();
        ref readonly InstructionEntry entry = ref InstructionTable.Get(_code);
        int alignment = Math.Max((int)entry.Alignment, _code.Mnemonic() is Mnemonic.Fxsave or Mnemonic.Fxrstor or Mnemonic.Fxsave64 or Mnemonic.Fxrstor64 ? 16 : 0);
        _target = PickTarget(size, alignment);
        _instruction.SegmentPrefix = _random.Next(40) == 0 ? (Register)((int)Register.ES + _random.Next(4)) : Register.None;
        string kind = s_kindNames[(int)_op.GetOpKind(at)];
        if (kind == nameof(OpCodeOperandKind.mem_offs))
        {
            _instruction.MemoryDisplSize = _address32 ? 4 : 8;
            _instruction.MemoryDisplacement64 = _target;
        }
        else if (kind.StartsWith("mem_vsib", StringComparison.Ordinal))
        {
            SetVectorAddress(kind);
        }
        else
        {
            BitIndex(at);
            SetAddress();
        }
    }

    /// <summary>BT and its like reach as far as the bit index says.</summary>
    private void BitIndex(int at)
    {
        if (at == 0 && _code.Mnemonic() is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && _instruction.Op1Kind == OpKind.Register)
        {
            int index = _instruction.Op1Register.GetFullRegister() - Register.RAX;
            ulong value = (ulong)(long)_random.Next(-4000, 4000);
            int width = 8 * _instruction.Op1Register.GetSize();
            Pin(index, width == 64 ? value : (value & ((1UL << width) - 1)) | (Values.Bits(_random) << width));
        }
    }

    private void SetAddress()
    {
        int form = _random.Next(10);
        Register first = _address32 ? Register.EAX : Register.RAX;
        if (form == 0 && !_address32)
        {
            _instruction.MemoryBase = Register.RIP;
            _instruction.MemoryDisplSize = 8;
            _instruction.MemoryDisplacement64 = _target;
            return;
        }

        if (form == 1)
        {
            // Absolute, with a SIB byte and no base.
            _instruction.MemoryDisplSize = _address32 ? 4 : 8;
            _instruction.MemoryDisplacement64 = (uint)_target;
            return;
        }

        int index = form is >= 5 ? PickUnpinned(exclude: 1 << Rsp) : -1;
        int scale = index >= 0 ? 1 << _random.Next(4) : 1;
        long displacement = _random.Next(3) switch { 0 => 0, 1 => _random.Next(-128, 128), _ => _random.Next(int.MinValue / 2, int.MaxValue / 2) };
        int basis = PickUnpinned(exclude: index >= 0 ? 1 << index : 0);
        if (index >= 0)
        {
            _instruction.MemoryIndex = first + index;
            _instruction.MemoryIndexScale = scale;
            if (_random.Next(4) != 0)
            {
                _state.Gpr[index] = (ulong)_random.NextInt64(-0x1_0000, 0x1_0000);
            }
        }

        if (form == 9)
        {
            // Index and displacement only.
            _state.Gpr[index] = (ulong)_random.Next(0x1000);
            _instruction.MemoryDisplSize = _address32 ? 4 : 8;
            _instruction.MemoryDisplacement64 = (uint)(_target - (_state.Gpr[index] * (ulong)scale));
            return;
        }

        _instruction.MemoryBase = first + basis;
        _instruction.MemoryDisplSize = displacement == 0 ? 0 : displacement is >= -128 and <= 127 ? 1 : _address32 ? 4 : 8;
        _instruction.MemoryDisplacement64 = _address32 ? (uint)displacement : (ulong)displacement;
        ulong offset = index >= 0 ? _state.Gpr[index] * (ulong)scale : 0;
        ulong value = _target - offset - (ulong)displacement;
        _state.Gpr[basis] = _address32 ? (uint)value | (Values.Bits(_random) << 32) : value;
    }

    private int PickUnpinned(int exclude)
    {
        int n;
        do
        {
            n = _random.Next(16);
        }
        while (((_pinned | exclude) & (1 << n)) != 0);
        return n;
    }

    /// <summary>A gather: lanes mostly inside the arena, the three registers mostly distinct (else #UD).</summary>
    private void SetVectorAddress(string kind)
    {
        _address32 = false;
        int[] registers = [0, 1, 2];
        int first = _random.Next(14);
        int vector = _random.Next(12) == 0 ? (_instruction.Op0Register - Register.XMM0) & 15 : first;
        _instruction.MemoryIndex = (kind.EndsWith('y') ? Register.YMM0 : Register.XMM0) + vector;
        _instruction.Op0Register = (_instruction.Op0Register.IsYMM() ? Register.YMM0 : Register.XMM0) + ((first + registers[1]) & 15);
        _instruction.Op2Register = (_instruction.Op2Register.IsYMM() ? Register.YMM0 : Register.XMM0) + ((first + registers[2]) & 15);
        int scale = 1 << _random.Next(4);
        _instruction.MemoryIndexScale = scale;
        int basis = PickUnpinned(0);
        _instruction.MemoryBase = Register.RAX + basis;
        _target = Arena.Data + 0x1000;
        _state.Gpr[basis] = _target;
        int width = kind.StartsWith("mem_vsib32", StringComparison.Ordinal) ? 4 : 8;
        fixed (byte* ymm = _state.Ymm)
        {
            var lanes = new Span<byte>(ymm + (32 * vector), 32);
            for (int i = 0; i < 32; i += width)
            {
                int index = _random.Next(30) == 0 ? 0x1000 / scale : _random.Next(-0x1000 / scale, 0xFF0 / scale);
                if (width == 4)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(lanes[i..], index);
                }
                else
                {
                    BinaryPrimitives.WriteInt64LittleEndian(lanes[i..], index);
                }
            }
        }
    }
}
