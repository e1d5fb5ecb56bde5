using System.Numerics;

namespace Bulkhead.Devices.Backends.Disks.Compression.Zstd;

/// <summary>A decoding table of a Huffman code of bytes.</summary>
/// <remarks><i>Source</i>: RFC 8878, 4.2 "Huffman Coding".</remarks>
internal sealed class HuffmanTable
{
    private const int MostBits = 11;

    private readonly byte[] _symbols = new byte[1 << MostBits];
    private readonly byte[] _widths = new byte[1 << MostBits];
    private readonly byte[] _weights = new byte[256];
    private readonly FseTable _weightTable = new(6);
    private int _bits;

    /// <summary>Whether there is a table; one stays for the next block.</summary>
    internal bool IsSet => _bits > 0;

    /// <summary>Forgets the table.</summary>
    internal void Clear() => _bits = 0;

    /// <summary>Reads the description of a table; the number of its bytes, or -1 where it is malformed.</summary>
    internal int Read(ReadOnlySpan<byte> bytes)
    {
        _bits = 0;
        if (bytes.Length == 0)
        {
            return -1;
        }

        int head = bytes[0];
        int symbols;
        int used;
        if (head >= 128)
        {
            symbols = head - 127;
            used = 1 + ((symbols + 1) / 2);
            if (used > bytes.Length)
            {
                return -1;
            }

            for (int i = 0; i < symbols; i++)
            {
                _weights[i] = (byte)(bytes[1 + (i / 2)] >> ((i & 1) == 0 ? 4 : 0) & 15);
            }
        }
        else
        {
            used = 1 + head;
            if (used > bytes.Length || (symbols = ReadWeights(bytes[1..used])) < 0)
            {
                return -1;
            }
        }

        return Build(symbols) ? used : -1;
    }

    /// <summary>Decodes a stream that fills <paramref name="output"/> exactly.</summary>
    internal bool TryDecode(ReadOnlySpan<byte> stream, Span<byte> output)
    {
        if (!BackwardBits.TryStart(stream, out BackwardBits bits))
        {
            return false;
        }

        for (int i = 0; i < output.Length; i++)
        {
            uint code = bits.Peek(_bits);
            output[i] = _symbols[code];
            bits.Skip(_widths[code]);
            if (bits.Left < 0)
            {
                return false;
            }
        }

        return bits.Left == 0;
    }

    // Two states take turns, until the bits are used up.
    private int ReadWeights(ReadOnlySpan<byte> bytes)
    {
        int used = _weightTable.Read(bytes, 256);
        if (used < 0 || !BackwardBits.TryStart(bytes[used..], out BackwardBits bits))
        {
            return -1;
        }

        uint first = bits.Read(_weightTable.Log2);
        uint second = bits.Read(_weightTable.Log2);
        if (bits.Left < 0)
        {
            return -1;
        }

        for (int n = 0; n < 254;)
        {
            _weights[n++] = (byte)_weightTable.SymbolOf(first);
            first = _weightTable.Next(first, ref bits);
            if (bits.Left < 0)
            {
                _weights[n++] = (byte)_weightTable.SymbolOf(second);
                return n;
            }

            (first, second) = (second, first);
        }

        return -1;
    }

    private bool Build(int symbols)
    {
        int sum = 0;
        for (int i = 0; i < symbols; i++)
        {
            if (_weights[i] > MostBits)
            {
                return false;
            }

            sum += (1 << _weights[i]) >> 1;
        }

        if (sum == 0 || symbols > 255)
        {
            return false;
        }

        // The last symbol's weight is what is missing to a power of two.
        int bits = BitOperations.Log2((uint)sum) + 1;
        int missing = (1 << bits) - sum;
        if (bits > MostBits || !BitOperations.IsPow2(missing))
        {
            return false;
        }

        _weights[symbols++] = (byte)(BitOperations.Log2((uint)missing) + 1);
        int at = 0;
        for (int weight = 1; weight <= bits; weight++)
        {
            for (int s = 0; s < symbols; s++)
            {
                if (_weights[s] == weight)
                {
                    int count = 1 << (weight - 1);
                    _symbols.AsSpan(at, count).Fill((byte)s);
                    _widths.AsSpan(at, count).Fill((byte)(bits + 1 - weight));
                    at += count;
                }
            }
        }

        _bits = bits;
        return true;
    }
}
