using System.Numerics;

namespace Bulkhead.Devices.Backends.Disks.Compression.Zstd;

/// <summary>A decoding table of a finite-state entropy code.</summary>
/// <remarks><i>Source</i>: RFC 8878, 4.1 "FSE".</remarks>
internal sealed class FseTable(int mostLog2)
{
    private readonly byte[] _symbols = new byte[1 << mostLog2];
    private readonly byte[] _bits = new byte[1 << mostLog2];
    private readonly ushort[] _next = new ushort[1 << mostLog2];
    private readonly short[] _counts = new short[256];
    private readonly int[] _seen = new int[256];

    /// <summary>Bits of a state.</summary>
    internal int Log2 { get; private set; }

    /// <summary>Whether there is a table; one stays for the next block.</summary>
    internal bool IsSet { get; private set; }

    /// <summary>Forgets the table.</summary>
    internal void Clear() => IsSet = false;

    /// <summary>The symbol of a state.</summary>
    internal int SymbolOf(uint state) => _symbols[state];

    /// <summary>The state that follows.</summary>
    internal uint Next(uint state, ref BackwardBits bits) => _next[state] + bits.Read(_bits[state]);

    /// <summary>A table of one symbol, which takes no bits.</summary>
    internal void SetSingle(byte symbol)
    {
        Log2 = 0;
        _symbols[0] = symbol;
        _bits[0] = 0;
        _next[0] = 0;
        IsSet = true;
    }

    /// <summary>Reads the description of a table; the number of its bytes, or -1 where it is malformed.</summary>
    internal int Read(ReadOnlySpan<byte> bytes, int mostSymbols)
    {
        IsSet = false;
        if (bytes.Length == 0)
        {
            return -1;
        }

        int log2 = (bytes[0] & 15) + 5;
        if (log2 > mostLog2)
        {
            return -1;
        }

        int at = 4;
        int remaining = 1 << log2;
        int symbols = 0;
        while (remaining > 0)
        {
            if (symbols >= mostSymbols)
            {
                return -1;
            }

            int width = BitOperations.Log2((uint)(remaining + 1)) + 1;
            int value = Forward(bytes, at, width);
            int low = (1 << (width - 1)) - 1;
            int threshold = (1 << width) - 1 - (remaining + 1);
            if ((value & low) < threshold)
            {
                at += width - 1;
                value &= low;
            }
            else
            {
                at += width;
                value -= value > low ? threshold : 0;
            }

            int count = value - 1;
            remaining -= Math.Abs(count);
            _counts[symbols++] = (short)count;
            for (int repeat = count == 0 ? 3 : 0; repeat == 3;)
            {
                repeat = Forward(bytes, at, 2);
                at += 2;
                if (symbols + repeat > mostSymbols)
                {
                    return -1;
                }

                _counts.AsSpan(symbols, repeat).Clear();
                symbols += repeat;
            }
        }

        int used = (at + 7) >> 3;
        return remaining == 0 && used <= bytes.Length && Build(_counts.AsSpan(0, symbols), log2) ? used : -1;
    }

    /// <summary>Makes the table from how often each symbol comes; -1 is less than once.</summary>
    internal bool Build(ReadOnlySpan<short> counts, int log2)
    {
        int size = 1 << log2;
        int high = size;
        for (int s = 0; s < counts.Length; s++)
        {
            _seen[s] = Math.Max((int)counts[s], 0);
            if (counts[s] == -1)
            {
                _symbols[--high] = (byte)s;
                _seen[s] = 1;
            }
        }

        int step = (size >> 1) + (size >> 3) + 3;
        int place = 0;
        for (int s = 0; s < counts.Length; s++)
        {
            for (int i = 0; i < counts[s]; i++)
            {
                _symbols[place] = (byte)s;
                do
                {
                    place = (place + step) & (size - 1);
                }
                while (place >= high && high > 0);
            }
        }

        if (place != 0 && high > 0)
        {
            return false;
        }

        for (int i = 0; i < size; i++)
        {
            int next = _seen[_symbols[i]]++;
            int width = log2 - BitOperations.Log2((uint)next);
            _bits[i] = (byte)width;
            _next[i] = (ushort)((next << width) - size);
        }

        Log2 = log2;
        IsSet = true;
        return true;
    }

    // Bits from the beginning on, least significant first; zeros behind the end.
    private static int Forward(ReadOnlySpan<byte> bytes, int at, int count)
    {
        uint value = 0;
        for (int i = 0; i < 4 && (at >> 3) + i < bytes.Length; i++)
        {
            value |= (uint)bytes[(at >> 3) + i] << (8 * i);
        }

        return (int)((value >> (at & 7)) & ((1u << count) - 1));
    }
}
