using Bulkhead.Translator.State;
using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <content>Strings of bits and of elements: the templates whose operands are of another size than their instruction says.</content>
internal sealed partial class BlockVerifier
{
    private static ReadOnlySpan<byte> StoreTemporaryBytes => [0x65, 0x4C, 0x89, 0x1C, 0x25];

    private static ReadOnlySpan<byte> LoadTemporaryBytes => [0x65, 0x4C, 0x8B, 0x1C, 0x25];

    private static ReadOnlySpan<byte> StoreSourceBytes => [0x65, 0x4C, 0x89, 0x14, 0x25];

    private Template MatchString(int at, out int length)
    {
        length = 0;
        if (Has(at, [0x41, 0x83, 0xE3]) && HasInt32(at + 4, StoreTemporaryBytes, Offsets.Temporary))
        {
            length = 13;
            return Template.BitNumber;
        }

        if (HasInt32(at, LoadTemporaryBytes, Offsets.Temporary) && TryBitTest(at + 9, out int bytes))
        {
            length = 9 + bytes;
            return Template.BitTest;
        }

        if (HasInt32(at, StoreSourceBytes, Offsets.StringSource))
        {
            byte[] source = [.. Field(StoreSourceBytes, Offsets.StringSource), .. BytesLeft(0xDE), .. Field(StoreTemporaryBytes, Offsets.Temporary)];
            length = source.Length;
            return Has(at, source) ? Template.StringSource : Template.None;
        }

        for (int kind = 0; kind < 8 && Has(at, BytesLeft(0xDF)); kind++)
        {
            byte[] chunk = Chunk(kind >= 4, kind & 3);
            if (Has(at, chunk))
            {
                length = chunk.Length;
                return Template.StringChunk;
            }
        }

        return Template.None;
    }

    /// <summary>[lock] [66] rex 0F opcode [r10], r11.</summary>
    private bool TryBitTest(int at, out int length)
    {
        int i = at;
        i += Has(i, [0xF0]) ? 1 : 0;
        i += Has(i, [0x66]) ? 1 : 0;
        bool is64 = Has(i, [0x4D, 0x0F]);
        bool good = (is64 || Has(i, [0x45, 0x0F])) && (Has(i + 2, [0xA3, 0x1A]) || Has(i + 2, [0xAB, 0x1A]) || Has(i + 2, [0xB3, 0x1A]) || Has(i + 2, [0xBB, 0x1A]));
        length = i + 4 - at;
        return good;
    }

    private bool KeepBitNumber(int i)
    {
        _bitMask = _listing.Bytes[_listing[i].Offset + 3];
        return true;
    }

    private bool CheckBitTest(int i)
    {
        ref readonly Instruction test = ref _listing[i + 1].Iced;
        bool writes = test.Mnemonic != Mnemonic.Bt;
        if (_checkedBytes == 0 || _checkedBytes != test.Op1Register.GetSize() || _checkedWrite != writes || _bitMask != (_checkedBytes * 8) - 1)
        {
            return Fail(i, "a bit outside the checked element");
        }

        _checkedBytes = 0;
        _bitMask = 0;
        return true;
    }

    private bool CheckStringSource(int i)
    {
        if (_checkedBytes == 0 || _checkedWrite)
        {
            return Fail(i, "the source of a move without a check");
        }

        _sourceBytes = _checkedBytes;
        _checkedBytes = 0;
        return true;
    }

    private bool CheckStringChunk(int i)
    {
        ref ListedInstruction last = ref _listing[i + _listing[i].Items - 1];
        for (int kind = 0; kind < 8; kind++)
        {
            byte[] chunk = Chunk(kind >= 4, kind & 3);
            if (Has(_listing[i].Offset, chunk) && chunk.Length == last.Offset + last.Own.Length - _listing[i].Offset)
            {
                bool good = _checkedWrite && _checkedBytes == 1 << (kind & 3) && (kind < 4 || _sourceBytes == _checkedBytes);
                Forget();
                return good || Fail(i, "a string without the checks of its operands");
            }
        }

        return Fail(i, "a string of no known form");
    }

    /// <summary>mov r11, register; or r11, -4096; neg r11.</summary>
    private static byte[] BytesLeft(byte registers) => [0x4C, 0x8B, registers, 0x49, 0x81, 0xCB, 0x00, 0xF0, 0xFF, 0xFF, 0x49, 0xF7, 0xDB];

    private static byte[] Field(ReadOnlySpan<byte> instruction, int field) => [.. instruction, .. BitConverter.GetBytes(field)];

    private static byte[] Chunk(bool moves, int log)
    {
        List<byte> b = [.. BytesLeft(0xDF)];
        void Add(params ReadOnlySpan<byte> bytes) => b.AddRange(bytes);
        if (moves)
        {
            Add(Field([0x65, 0x4C, 0x3B, 0x1C, 0x25], Offsets.Temporary)); // cmp r11, bytes of the source's page
            Add(Field([0x65, 0x4C, 0x0F, 0x47, 0x1C, 0x25], Offsets.Temporary)); // cmova
        }

        if (log != 0)
        {
            Add(0x49, 0xC1, 0xEB, (byte)log); // shr r11, log
        }

        Add(0x4C, 0x3B, 0xD9, 0x4C, 0x0F, 0x47, 0xD9, 0x49, 0x2B, 0xCB); // cmp r11, rcx; cmova r11, rcx; sub rcx, r11
        Add(Field([0x65, 0x48, 0x89, 0x0C, 0x25], Offsets.StringCount));
        Add(0x49, 0x8B, 0xCB, 0x4C, 0x8D, 0x1C, (byte)((log << 6) | 0x0F)); // mov rcx, r11; lea r11, [rdi + rcx * size]
        Add(Field([0x65, 0x4C, 0x89, 0x1C, 0x25], Offsets.StringTargetEnd));
        if (moves)
        {
            Add(0x4C, 0x8D, 0x1C, (byte)((log << 6) | 0x0E)); // lea r11, [rsi + rcx * size]
            Add(Field([0x65, 0x4C, 0x89, 0x1C, 0x25], Offsets.StringSourceEnd));
            Add(Field([0x65, 0x48, 0x8B, 0x34, 0x25], Offsets.StringSource));
        }

        Add(0x49, 0x8B, 0xFA, 0xF3); // mov rdi, r10; rep
        Add(log switch { 1 => [0x66], 3 => [0x48], _ => [] });
        Add((byte)((moves ? 0xA4 : 0xAA) | (log != 0 ? 1 : 0)));
        Add(Field([0x65, 0x48, 0x8B, 0x3C, 0x25], Offsets.StringTargetEnd));
        if (moves)
        {
            Add(Field([0x65, 0x48, 0x8B, 0x34, 0x25], Offsets.StringSourceEnd));
        }

        Add(Field([0x65, 0x48, 0x8B, 0x0C, 0x25], Offsets.StringCount));
        return [.. b];
    }
}
