using System.Buffers.Binary;
using System.Numerics;

namespace Bulkhead.Devices.Backends.Disks.Compression.Zstd;

/// <summary>Bits read from the end of some bytes to their beginning; the last byte's highest one bit marks where they start.</summary>
/// <remarks>Behind the beginning zeros are read, and <see cref="Left"/> is negative.</remarks>
internal ref struct BackwardBits
{
    private readonly ReadOnlySpan<byte> _bytes;

    private BackwardBits(ReadOnlySpan<byte> bytes, int left)
    {
        _bytes = bytes;
        Left = left;
    }

    /// <summary>Bits that were not read yet.</summary>
    internal int Left { get; private set; }

    /// <summary>Begins; false where there is no mark.</summary>
    internal static bool TryStart(ReadOnlySpan<byte> bytes, out BackwardBits bits)
    {
        bool good = bytes.Length > 0 && bytes[^1] != 0;
        bits = new BackwardBits(bytes, good ? (bytes.Length * 8) - 8 + BitOperations.Log2(bytes[^1]) : 0);
        return good;
    }

    /// <summary>Reads up to 32 bits.</summary>
    internal uint Read(int count)
    {
        uint value = Peek(count);
        Left -= count;
        return value;
    }

    /// <summary>The next bits, which are not taken.</summary>
    internal readonly uint Peek(int count)
    {
        int from = Left - count;
        if (from < 0)
        {
            // What is there, and zeros below.
            int there = Math.Max(Left, 0);
            return there == 0 ? 0 : (uint)(Window(0) & ((1UL << there) - 1)) << Math.Min(31, count - there);
        }

        return (uint)((Window(from >> 3) >> (from & 7)) & ((1UL << count) - 1));
    }

    /// <summary>Takes bits that were looked at.</summary>
    internal void Skip(int count) => Left -= count;

    private readonly ulong Window(int at)
    {
        ReadOnlySpan<byte> rest = _bytes[at..];
        if (rest.Length >= 8)
        {
            return BinaryPrimitives.ReadUInt64LittleEndian(rest);
        }

        ulong value = 0;
        for (int i = rest.Length - 1; i >= 0; i--)
        {
            value = (value << 8) | rest[i];
        }

        return value;
    }
}
