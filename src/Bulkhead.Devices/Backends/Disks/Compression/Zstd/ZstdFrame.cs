using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Disks.Compression.Zstd;

/// <summary>Decodes one Zstandard frame whose contents fit in memory, and keeps its tables for the next.</summary>
/// <remarks>
/// Every length is checked against what is left of input and output. A checksum, where there is one, is not looked at: the
/// length of the output is what the image promises.
/// <para><i>Source</i>: RFC 8878, 3.1 "Frames". <i>Threading</i>: one thread at a time.</para>
/// </remarks>
internal sealed class ZstdFrame
{
    private const uint Magic = 0xfd2fb528;
    private const int MostBlockBytes = 128 << 10;

    private readonly byte[] _literals = new byte[MostBlockBytes];
    private readonly HuffmanTable _huffman = new();
    private readonly FseTable _literalLengths = new(9);
    private readonly FseTable _offsets = new(8);
    private readonly FseTable _matchLengths = new(9);
    private readonly int[] _repeats = new int[3];

    /// <summary>Fills the output; false where the frame is malformed or shorter.</summary>
    internal bool TryDecode(ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (!TrySkipHeader(ref input))
        {
            return false;
        }

        _huffman.Clear();
        _literalLengths.Clear();
        _offsets.Clear();
        _matchLengths.Clear();
        _repeats[0] = 1;
        _repeats[1] = 4;
        _repeats[2] = 8;
        int done = 0;
        for (bool last = false; !last;)
        {
            if (input.Length < 3)
            {
                return false;
            }

            int head = input[0] | (input[1] << 8) | (input[2] << 16);
            input = input[3..];
            last = (head & 1) != 0;
            int size = head >> 3;
            int kind = (head >> 1) & 3;
            int packed = kind == 1 ? 1 : size;
            if (packed > input.Length || size > MostBlockBytes || (kind < 2 && size > output.Length - done))
            {
                return false;
            }

            switch (kind)
            {
                case 0:
                    input[..size].CopyTo(output[done..]);
                    done += size;
                    break;
                case 1:
                    output.Slice(done, size).Fill(input[0]);
                    done += size;
                    break;
                case 2:
                    if (!TryDecodeBlock(input[..size], output, ref done))
                    {
                        return false;
                    }

                    break;
                default:
                    return false;
            }

            input = input[packed..];
        }

        return done == output.Length;
    }

    private static bool TrySkipHeader(ref ReadOnlySpan<byte> input)
    {
        if (input.Length < 6 || BinaryPrimitives.ReadUInt32LittleEndian(input) != Magic)
        {
            return false;
        }

        int descriptor = input[4];
        bool single = (descriptor & 32) != 0;
        int dictionary = (descriptor & 3) == 3 ? 4 : descriptor & 3;
        int content = (descriptor >> 6) switch { 0 => single ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        int length = 5 + (single ? 0 : 1) + dictionary + content;

        // A dictionary is nowhere to be had.
        if ((descriptor & 8) != 0 || length > input.Length || input.Slice(5 + (single ? 0 : 1), dictionary).ContainsAnyExcept((byte)0))
        {
            return false;
        }

        input = input[length..];
        return true;
    }

    private bool TryDecodeBlock(ReadOnlySpan<byte> block, Span<byte> output, ref int done)
    {
        int used = ReadLiterals(block, out int literals);
        if (used < 0)
        {
            return false;
        }

        ReadOnlySpan<byte> text = _literals.AsSpan(0, literals);
        block = block[used..];
        if (block.Length == 0)
        {
            return false;
        }

        int count = block[0];
        int head = 1;
        if (count >= 128)
        {
            head = count == 255 ? 3 : 2;
            if (block.Length < head)
            {
                return false;
            }

            count = count == 255 ? block[1] + (block[2] << 8) + 0x7f00 : ((count - 128) << 8) + block[1];
        }

        if (count > 0)
        {
            if (block.Length <= head || (block[head] & 3) != 0)
            {
                return false;
            }

            int modes = block[head];
            block = block[(head + 1)..];
            if (!TrySetTable(_literalLengths, modes >> 6, ZstdTables.LiteralCounts, ZstdTables.LengthLog2, ref block)
                || !TrySetTable(_offsets, (modes >> 4) & 3, ZstdTables.OffsetCounts, ZstdTables.OffsetLog2, ref block)
                || !TrySetTable(_matchLengths, (modes >> 2) & 3, ZstdTables.MatchCounts, ZstdTables.LengthLog2, ref block)
                || !TryCopy(count, block, ref text, output, ref done))
            {
                return false;
            }
        }

        if (text.Length > output.Length - done)
        {
            return false;
        }

        text.CopyTo(output[done..]);
        done += text.Length;
        return true;
    }

    // The literals go to their buffer; what is returned is the length of their section, or -1.
    private int ReadLiterals(ReadOnlySpan<byte> block, out int count)
    {
        count = 0;
        if (block.Length < 5)
        {
            // So that five bytes can be looked at; a block of literals alone may be shorter.
            Span<byte> padded = stackalloc byte[5];
            padded.Clear();
            block.CopyTo(padded);
            return block.Length == 0 ? -1 : ReadLiterals(padded, block.Length, out count);
        }

        return ReadLiterals(block, block.Length, out count);
    }

    private int ReadLiterals(ReadOnlySpan<byte> block, int length, out int count)
    {
        int kind = block[0] & 3;
        int format = (block[0] >> 2) & 3;
        ulong head = BinaryPrimitives.ReadUInt32LittleEndian(block) | ((ulong)block[4] << 32);
        if (kind < 2)
        {
            int headBytes = (format & 1) == 0 ? 1 : format == 1 ? 2 : 3;
            count = (int)((format & 1) == 0 ? (head & 0xff) >> 3 : (head & ((1UL << (8 * headBytes)) - 1)) >> 4);
            int packed = kind == 0 ? count : 1;
            if (count > MostBlockBytes || headBytes + packed > length)
            {
                return -1;
            }

            if (kind == 0)
            {
                block.Slice(headBytes, count).CopyTo(_literals);
            }
            else
            {
                _literals.AsSpan(0, count).Fill(block[headBytes]);
            }

            return headBytes + packed;
        }

        int width = format < 2 ? 10 : format == 2 ? 14 : 18;
        int bytes = format < 2 ? 3 : format + 2;
        count = (int)(head >> 4) & ((1 << width) - 1);
        int size = (int)(head >> (4 + width)) & ((1 << width) - 1);
        if (count > MostBlockBytes || bytes + size > length || bytes + size > block.Length)
        {
            return -1;
        }

        ReadOnlySpan<byte> streams = block.Slice(bytes, size);
        if (kind == 2)
        {
            int used = _huffman.Read(streams);
            if (used < 0)
            {
                return -1;
            }

            streams = streams[used..];
        }

        bool good = _huffman.IsSet && (format == 0 ? _huffman.TryDecode(streams, _literals.AsSpan(0, count)) : TryDecodeFour(streams, count));
        return good ? bytes + size : -1;
    }

    private bool TryDecodeFour(ReadOnlySpan<byte> streams, int count)
    {
        int each = (count + 3) / 4;
        if (streams.Length < 6 || 3 * each > count)
        {
            return false;
        }

        int at = 6;
        for (int i = 0; i < 4; i++)
        {
            int size = i < 3 ? BinaryPrimitives.ReadUInt16LittleEndian(streams[(2 * i)..]) : streams.Length - at;
            if (size > streams.Length - at || !_huffman.TryDecode(streams.Slice(at, size), _literals.AsSpan(i * each, i < 3 ? each : count - (3 * each))))
            {
                return false;
            }

            at += size;
        }

        return true;
    }

    private static bool TrySetTable(FseTable table, int mode, ReadOnlySpan<short> usual, int usualLog2, ref ReadOnlySpan<byte> block)
    {
        switch (mode)
        {
            case 0:
                return table.Build(usual, usualLog2);
            case 1:
                if (block.Length == 0)
                {
                    return false;
                }

                table.SetSingle(block[0]);
                block = block[1..];
                return true;
            case 2:
                int used = table.Read(block, 64);
                block = used < 0 ? block : block[used..];
                return used >= 0;
            default:
                return table.IsSet;
        }
    }

    private bool TryCopy(int count, ReadOnlySpan<byte> stream, ref ReadOnlySpan<byte> text, Span<byte> output, ref int done)
    {
        if (!BackwardBits.TryStart(stream, out BackwardBits bits))
        {
            return false;
        }

        uint literalState = bits.Read(_literalLengths.Log2);
        uint offsetState = bits.Read(_offsets.Log2);
        uint matchState = bits.Read(_matchLengths.Log2);
        for (int i = 0; i < count; i++)
        {
            int offsetCode = _offsets.SymbolOf(offsetState);
            int literalCode = _literalLengths.SymbolOf(literalState);
            int matchCode = _matchLengths.SymbolOf(matchState);
            if (offsetCode > 30 || literalCode >= ZstdTables.LiteralBase.Length || matchCode >= ZstdTables.MatchBase.Length)
            {
                return false;
            }

            long offsetValue = (1L << offsetCode) + bits.Read(offsetCode);
            int match = ZstdTables.MatchBase[matchCode] + (int)bits.Read(ZstdTables.MatchBits[matchCode]);
            int literal = ZstdTables.LiteralBase[literalCode] + (int)bits.Read(ZstdTables.LiteralBits[literalCode]);
            if (i + 1 < count)
            {
                literalState = _literalLengths.Next(literalState, ref bits);
                matchState = _matchLengths.Next(matchState, ref bits);
                offsetState = _offsets.Next(offsetState, ref bits);
            }

            if (bits.Left < 0 || literal > text.Length || literal + match > output.Length - done)
            {
                return false;
            }

            text[..literal].CopyTo(output[done..]);
            text = text[literal..];
            done += literal;
            int offset = OffsetOf(offsetValue, literal == 0);
            if (offset <= 0 || offset > done)
            {
                return false;
            }

            if (offset >= match)
            {
                output.Slice(done - offset, match).CopyTo(output[done..]);
            }
            else
            {
                for (int j = 0; j < match; j++)
                {
                    output[done + j] = output[done + j - offset];
                }
            }

            done += match;
        }

        return bits.Left == 0;
    }

    // The last three distances are kept; small values mean them.
    private int OffsetOf(long value, bool noLiterals)
    {
        if (value > 3)
        {
            int far = value - 3 > int.MaxValue ? 0 : (int)(value - 3);
            _repeats[2] = _repeats[1];
            _repeats[1] = _repeats[0];
            _repeats[0] = far;
            return far;
        }

        int which = (int)value - 1 + (noLiterals ? 1 : 0);
        int offset = which < 3 ? _repeats[which] : _repeats[0] - 1;
        if (which > 0)
        {
            _repeats[2] = which > 1 ? _repeats[1] : _repeats[2];
            _repeats[1] = _repeats[0];
            _repeats[0] = offset;
        }

        return offset;
    }
}
