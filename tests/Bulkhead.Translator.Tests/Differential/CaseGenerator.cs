using System.Buffers.Binary;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Makes cases of numbers: the same number, the same case, on every machine.</summary>
internal sealed unsafe partial class CaseGenerator
{
    /// <summary>RSP stays below: some hosts' kernels cannot return from a fault to a program whose RSP is not canonical.</summary>
    private const ulong UserEnd = 0x7FFF_FFFF_F000;

    [ThreadStatic]
    private static (int Seed, byte[]? Bytes) t_base;

    private readonly Random _random;
    private readonly Code _code;
    private readonly OpCodeInfo _op;
    private readonly byte[] _base;
    private byte[] _memory = [];
    private CpuState _state;
    private Instruction _instruction;
    private int _pinned;

    private CaseGenerator(int seed, Code code, int memorySeed)
    {
        _random = new Random(unchecked((seed * 5003) + (int)code));
        _code = code;
        _op = code.ToOpCode();
        _base = BaseMemory(memorySeed);
    }

    /// <summary>A case of any row.</summary>
    internal static Case Create(int seed) => Create(seed, CaseRows.All[(int)((uint)(seed * 0x9E37_79B1) % (uint)CaseRows.All.Length)]);

    /// <summary>A case of one row.</summary>
    internal static Case Create(int seed, Code code) => Create(seed, code, seed);

    private static Case Create(int seed, Code code, int memorySeed)
    {
        var generator = new CaseGenerator(seed, code, memorySeed);
        for (int attempt = 0; attempt < 200; attempt++)
        {
            if (generator.TryMake(seed) is { } made)
            {
                return made;
            }
        }

        throw new InvalidDataException($"{code} has no form that decodes as it.");
    }

    private Case? TryMake(int seed)
    {
        _state = default;
        _pinned = 0;
        FillState();
        _memory = (byte[])_base.Clone();
        _instruction = default;
        _instruction.Code = _code;
        PinImplied();
        int immediates = 0;
        for (int i = 0; i < _op.OpCount; i++)
        {
            SetOperand(i, _op.GetOpKind(i), ref immediates);
        }

        SetPrefixes();
        SetMemoryOperand();
        FitContents();
        if (_state.Gpr[Rsp] >= UserEnd)
        {
            return null;
        }

        if (Encode(_instruction) is not { } bytes)
        {
            return null;
        }

        var result = new Case(seed, _code, bytes, _state, _memory);
        return result.Decode().Code == _code ? result : null;
    }

    /// <summary>The bytes of an instruction, or null where it cannot be encoded.</summary>
    private static byte[]? Encode(in Instruction instruction)
    {
        var writer = new ByteWriter();
        return Encoder.Create(64, writer).TryEncode(instruction, Arena.Code, out _, out _) ? writer.ToArray() : null;
    }

    private void FillState()
    {
        for (int i = 0; i < 16; i++)
        {
            _state.Gpr[i] = Values.Integer(_random);
        }

        _state.Gpr[Rsp] %= UserEnd;

        // IF is the user's to see (PUSHF); DF belongs to the strings, and rarely to others.
        bool strings = _code.ToOpCode().CanUseRepPrefix || _code.ToOpCode().CanUseRepnePrefix;
        _state.Rflags = 0x202 | ((ulong)_random.Next() & 0x8D5) | (_random.Next(strings ? 2 : 8) == 0 ? 0x400UL : 0);
        ulong masks = _random.Next(20) == 0 ? (ulong)_random.Next(64) << 7 : 0x1F80;
        _state.Mxcsr = masks | ((ulong)_random.Next(4) << 13) | (_random.Next(8) == 0 ? 0x8000UL : 0) | (_random.Next(8) == 0 ? 0x40UL : 0) | (_random.Next(3) == 0 ? (ulong)_random.Next(64) : 0);
        fixed (CpuState* s = &_state)
        {
            var ymm = new Span<byte>(s->Ymm, 512);
            for (int i = 0; i < 512; i += 8)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(ymm[i..], Values.Lane(_random));
            }

            FillX87(new Span<byte>(s->X87, 512));
        }
    }

    private void FillX87(Span<byte> image)
    {
        int control = _random.Next(3) switch { 0 => 0x37F, 1 => 0x27F, _ => 0x7F | (_random.Next(4) << 8) | (_random.Next(4) << 10) };
        control = _random.Next(15) == 0 ? (control & ~0x3F) | _random.Next(64) : control;
        BinaryPrimitives.WriteUInt16LittleEndian(image, (ushort)(control | 0x40));
        int status = (_random.Next(8) << 11) | (_random.Next() & 0x4700);

        // An unmasked exception that waits: the next instruction that looks raises #MF.
        int pending = _random.Next(3) == 0 ? ~control & _random.Next(64) : 0;
        BinaryPrimitives.WriteUInt16LittleEndian(image[2..], (ushort)(status | pending | (pending != 0 ? 0x8080 : 0)));
        image[4] = (byte)(_random.Next(3) switch { 0 => 0xFF, 1 => 0, _ => _random.Next(256) });
        BinaryPrimitives.WriteUInt32LittleEndian(image[24..], (uint)_state.Mxcsr);
        for (int i = 0; i < 8; i++)
        {
            Span<byte> register = image.Slice(32 + (16 * i), 10);
            ulong mantissa = _random.Next(4) switch { 0 => 0x8000_0000_0000_0000, 1 => 0xC000_0000_0000_0000, 2 => Values.Lane(_random), _ => Values.Bits(_random) | 0x8000_0000_0000_0000 };
            int exponent = _random.Next(6) switch { 0 => 0, 1 => 0x7FFF, 2 => _random.Next(0x8000), _ => 0x3FFF + _random.Next(-70, 70) };
            BinaryPrimitives.WriteUInt64LittleEndian(register, mantissa);
            BinaryPrimitives.WriteUInt16LittleEndian(register[8..], (ushort)(exponent | (_random.Next(2) << 15)));
        }
    }

    /// <summary>What the arena holds before a case fits it to its instruction: the same for all cases of a number.</summary>
    private static byte[] BaseMemory(int seed)
    {
        if (t_base.Bytes is { } known && t_base.Seed == seed)
        {
            return known;
        }

        var random = new Random(seed);
        byte[] memory = new byte[Arena.MemoryBytes];
        for (int i = 0; i < memory.Length; i += 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(memory.AsSpan(i), Values.Lane(random));
        }

        t_base = (seed, memory);
        return memory;
    }

    /// <summary>Makes the contents of registers and memory ones the instruction can do something with.</summary>
    private void FitContents()
    {
        if (_code.Mnemonic() is Mnemonic.Div or Mnemonic.Idiv && _random.Next(4) != 0)
        {
            _state.Gpr[2] = _random.Next(3) == 0 && (_state.Gpr[0] >> 63) != 0 ? ulong.MaxValue : (ulong)_random.Next(3);
            _state.Gpr[0] &= _random.Next(2) == 0 ? 0xFFUL : ulong.MaxValue;
        }

        // The trap, nesting, alignment and identification flags stay out of the host's.
        if (_code.Mnemonic() is Mnemonic.Popf or Mnemonic.Popfq)
        {
            // In two parts, since POPFW's two bytes may be the last of the arena; above bit 31 no flag is there.
            EditMemory(_state.Gpr[4], 2, m => BinaryPrimitives.WriteUInt16LittleEndian(m, (ushort)((BinaryPrimitives.ReadUInt16LittleEndian(m) & CpuState.FlagsMask) | 0x202)));
            EditMemory(_state.Gpr[4] + 2, 2, m => m.Clear());
        }
        else if (_code.Mnemonic() is Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr && _random.Next(8) != 0)
        {
            EditMemory(Target(), 4, m => BinaryPrimitives.WriteUInt32LittleEndian(m, BinaryPrimitives.ReadUInt32LittleEndian(m) & 0xFFFF));
        }
        else if (_code.Mnemonic() is Mnemonic.Fxrstor or Mnemonic.Fxrstor64 && _random.Next(8) != 0)
        {
            EditMemory(Target() + 24, 4, m => BinaryPrimitives.WriteUInt32LittleEndian(m, BinaryPrimitives.ReadUInt32LittleEndian(m) & 0xFFFF));
        }
    }

    private ulong Target() => _target;

    private delegate void Edit(Span<byte> bytes);

    private void EditMemory(ulong address, int bytes, Edit edit)
    {
        ulong data = address - Arena.Data, readOnly = address - Arena.ReadOnly;
        if (data <= (ulong)(Arena.DataBytes - bytes))
        {
            edit(_memory.AsSpan((int)data, bytes));
        }
        else if (readOnly <= (ulong)(Arena.ReadOnlyBytes - bytes))
        {
            edit(_memory.AsSpan(Arena.DataBytes + (int)readOnly, bytes));
        }
    }

    private sealed class ByteWriter : CodeWriter
    {
        private readonly List<byte> _bytes = [];

        public override void WriteByte(byte value) => _bytes.Add(value);

        internal byte[] ToArray() => [.. _bytes];
    }
}
