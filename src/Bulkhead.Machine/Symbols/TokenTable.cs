using System.Buffers.Binary;

namespace Bulkhead.Machine.Symbols;

/// <summary>The 256 strings from which kallsyms puts names together.</summary>
/// <remarks><i>Shape</i>: NUL-terminated strings one after another; then, 8-byte aligned, 256 offsets of 16 bits. Letters and
/// digits stand for themselves, so ten strings in the middle are "0" to "9".</remarks>
internal sealed class TokenTable
{
    /// <summary>Bytes by which a table is recognised.</summary>
    internal static ReadOnlySpan<byte> Digits => "0\u00001\u00002\u00003\u00004\u00005\u00006\u00007\u00008\u00009\0"u8;

    /// <summary>The most bytes a table and its index take.</summary>
    internal const int MostBytes = 16 << 10;

    private const int Count = 256;
    private const int LongestToken = 128;

    private readonly byte[] _bytes;
    private readonly ushort[] _index;

    private TokenTable(byte[] bytes, ushort[] index)
    {
        _bytes = bytes;
        _index = index;
    }

    /// <summary>The bytes of a token.</summary>
    internal ReadOnlySpan<byte> this[byte token]
    {
        get
        {
            ReadOnlySpan<byte> rest = _bytes.AsSpan(_index[token]);
            return rest[..rest.IndexOf((byte)0)];
        }
    }

    /// <summary>Reads the table around the digits at <paramref name="digitsAt"/>, where the surroundings make one.</summary>
    /// <param name="bytes">Guest memory; its start is 8-byte aligned.</param>
    /// <param name="digitsAt">Where <see cref="Digits"/> stand.</param>
    /// <param name="start">Where the table starts.</param>
    /// <param name="end">The first byte behind its index.</param>
    internal static TokenTable? Read(ReadOnlySpan<byte> bytes, int digitsAt, out int start, out int end)
    {
        start = end = 0;
        int at = digitsAt;
        for (int token = '0'; token < Count; token++)
        {
            int length = bytes[at..].IndexOf((byte)0);
            if (length is < 0 or > LongestToken)
            {
                return null;
            }

            at += length + 1;
        }

        int indexAt = (at + 7) & ~7;
        if (bytes.Length - indexAt < Count * sizeof(ushort))
        {
            return null;
        }

        ushort[] index = new ushort[Count];
        for (int i = 0; i < Count; i++)
        {
            index[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(indexAt + (2 * i))..]);
        }

        start = digitsAt - index['0'];
        end = indexAt + (Count * sizeof(ushort));
        return start >= 0 && start % 8 == 0 && Fits(bytes[start..at], index) ? new TokenTable(bytes[start..at].ToArray(), index) : null;
    }

    // Every string starts where the one before it ended.
    private static bool Fits(ReadOnlySpan<byte> bytes, ushort[] index)
    {
        int at = 0;
        foreach (ushort offset in index)
        {
            int length = offset == at && at < bytes.Length ? bytes[at..].IndexOf((byte)0) : -1;
            if (length < 0)
            {
                return false;
            }

            at += length + 1;
        }

        return at == bytes.Length;
    }
}
