using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>Bytes to read that stand in one place or in several: what a buffer of a guest is, and any span as well.</summary>
/// <remarks><i>Cost</i>: a slice steps over the places before it.</remarks>
public readonly unsafe ref struct ReadOnlyScatteredBytes
{
    private readonly ReadOnlySpan<byte> _one; // where it is one place that may move
    private readonly ReadOnlySpan<MemoryRange> _many;
    private readonly int _skip; // of the first of many, which has more

    /// <summary>The bytes of all ranges, in order.</summary>
    public ReadOnlyScatteredBytes(ReadOnlySpan<MemoryRange> ranges)
    {
        int length = 0;
        foreach (MemoryRange range in ranges)
        {
            length = checked(length + range.Length);
        }

        this = From(ranges, 0, length);
    }

    private ReadOnlyScatteredBytes(ReadOnlySpan<byte> one)
    {
        _one = one;
        Length = one.Length;
    }

    private ReadOnlyScatteredBytes(ReadOnlySpan<MemoryRange> many, int skip, int length)
    {
        _many = many;
        _skip = skip;
        Length = length;
    }

    /// <summary>How many bytes.</summary>
    public int Length { get; }

    /// <summary>As many of the first as stand together.</summary>
    public ReadOnlySpan<byte> First => _many.IsEmpty ? _one : _many[0].Span.Slice(_skip, Math.Min(_many[0].Length - _skip, Length));

    /// <summary>Bytes that stand together.</summary>
    public static implicit operator ReadOnlyScatteredBytes(ReadOnlySpan<byte> bytes) => new(bytes);

    /// <summary>Bytes that stand together.</summary>
    public static implicit operator ReadOnlyScatteredBytes(Span<byte> bytes) => new((ReadOnlySpan<byte>)bytes);

    /// <summary>Bytes that stand together.</summary>
    public static implicit operator ReadOnlyScatteredBytes(byte[] bytes) => new(bytes.AsSpan());

    /// <summary>A part of them.</summary>
    public ReadOnlyScatteredBytes Slice(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, (uint)Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(Length - start));
        return _many.IsEmpty ? new ReadOnlyScatteredBytes(_one.Slice(start, length)) : From(_many, _skip + start, length);
    }

    /// <summary>Copies all of them.</summary>
    public void CopyTo(Span<byte> to)
    {
        for (ReadOnlyScatteredBytes left = this; left.Length > 0; left = left[left.First.Length..])
        {
            left.First.CopyTo(to);
            to = to[left.First.Length..];
        }
    }

    /// <summary>For <c>fixed</c>: keeps what may move in its place, so that <see cref="Describe"/> is true meanwhile.</summary>
    internal ref readonly byte GetPinnableReference() => ref MemoryMarshal.GetReference(_one);

    /// <summary>How many ranges <see cref="Describe"/> has at most.</summary>
    internal int MostRanges => Math.Max(_many.Length, 1);

    /// <summary>Names as many of the first ranges as there is room for; how many that are.</summary>
    internal int Describe(Span<MemoryRange> ranges)
    {
        if (_many.IsEmpty)
        {
            // SAFETY: the caller fixed it (ScatteredBytesTests).
            ranges[0] = new MemoryRange((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_one)), Length);
            return 1;
        }

        int count = 0;
        int left = Length;
        for (int skip = _skip; left > 0 && count < ranges.Length; count++, skip = 0)
        {
            MemoryRange range = _many[count];
            ranges[count] = range.Slice(skip, Math.Min(range.Length - skip, left));
            left -= ranges[count].Length;
        }

        return count;
    }

    /// <summary>Whether every range begins and ends at a multiple of a power of two, and stays there.</summary>
    internal bool IsAligned(int bytes)
    {
        bool aligned = !_many.IsEmpty || Length == 0;
        int left = Length;
        int skip = _skip;
        for (int i = 0; left > 0 && aligned; i++, skip = 0)
        {
            MemoryRange range = _many[i].Slice(skip, Math.Min(_many[i].Length - skip, left));
            aligned = range.IsAligned(bytes);
            left -= range.Length;
        }

        return aligned;
    }

    // Where many begin: the ranges before are left out.
    private static ReadOnlyScatteredBytes From(ReadOnlySpan<MemoryRange> many, int skip, int length)
    {
        int first = 0;
        while (first < many.Length && skip >= many[first].Length)
        {
            skip -= many[first++].Length;
        }

        return new ReadOnlyScatteredBytes(many[first..], skip, length);
    }
}
