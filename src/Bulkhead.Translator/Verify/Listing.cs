using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <summary>Host code taken apart from its first byte to its last, by two decoders that must agree.</summary>
/// <remarks>Reused from block to block. <i>Threading</i>: the owner's.</remarks>
internal sealed class Listing
{
    private readonly ArrayReader _reader = new();
    private readonly Decoder _decoder;
    private byte[] _bytes = new byte[4096];
    private int[] _at = new int[4096];
    private ListedInstruction[] _items = new ListedInstruction[1024];

    internal Listing() => _decoder = Decoder.Create(64, _reader);

    /// <summary>How many instructions.</summary>
    internal int Count { get; private set; }

    /// <summary>How many bytes.</summary>
    internal int Length { get; private set; }

    /// <summary>The bytes.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>An instruction.</summary>
    internal ref ListedInstruction this[int index] => ref _items[index];

    /// <summary>The instruction at an offset, or -1.</summary>
    internal int At(int offset) => _at[offset];

    /// <summary>Takes code apart. False: <paramref name="rule"/> is broken at <paramref name="offset"/>.</summary>
    internal bool TryRead(ReadOnlySpan<byte> code, out int offset, out string rule)
    {
        if (code.Length > _bytes.Length)
        {
            _bytes = new byte[code.Length * 2];
            _at = new int[code.Length * 2];
        }

        code.CopyTo(_bytes);
        Length = code.Length;
        Count = 0;
        _at.AsSpan(0, Length).Fill(-1);
        _reader.Set(_bytes, Length);
        _decoder.IP = 0;
        for (offset = 0; offset < Length;)
        {
            if (Count == _items.Length)
            {
                Array.Resize(ref _items, Count * 2);
            }

            ref ListedInstruction item = ref _items[Count];
            item = new ListedInstruction { Offset = offset, Items = 1 };
            _decoder.Decode(out item.Iced);
            if (item.Iced.IsInvalid)
            {
                rule = "not an instruction";
                return false;
            }

            if (!HostDecoder.TryDecode(Bytes[offset..], out item.Own))
            {
                rule = "an encoding emitted code does not use";
                return false;
            }

            if (item.Own.Length != item.Iced.Length || !OperandAgrees(item.Iced, item.Own))
            {
                rule = "the decoders disagree";
                return false;
            }

            _at[offset] = Count++;
            offset += item.Own.Length;
        }

        rule = "";
        return true;
    }

    private static bool OperandAgrees(in Instruction iced, in HostInstruction own)
    {
        if (own.Lock != iced.HasLockPrefix)
        {
            return false;
        }

        bool memory = false;
        for (int i = 0; i < iced.OpCount; i++)
        {
            memory |= iced.GetOpKind(i) == OpKind.Memory;
        }

        if (memory != own.HasMemory)
        {
            return false;
        }

        if (!memory)
        {
            return true;
        }

        bool relative = own.Base == HostInstruction.Rip;
        return NumberOf(iced.MemoryBase) == own.Base && NumberOf(iced.MemoryIndex) == own.Index
            && (own.Index < 0 || iced.MemoryIndexScale == own.Scale)
            && (relative || (int)iced.MemoryDisplacement64 == own.Displacement)
            && (iced.MemorySegment == Register.GS) == (own.Segment == 0x65)
            && (iced.MemorySegment == Register.FS) == (own.Segment == 0x64);
    }

    private static int NumberOf(Register r) => r switch
    {
        Register.None => -1,
        Register.RIP or Register.EIP => HostInstruction.Rip,
        _ => r.GetNumber(),
    };

    private sealed class ArrayReader : CodeReader
    {
        private byte[] _bytes = [];
        private int _at;
        private int _end;

        internal void Set(byte[] bytes, int end)
        {
            _bytes = bytes;
            _at = 0;
            _end = end;
        }

        public override int ReadByte() => _at < _end ? _bytes[_at++] : -1;
    }
}
