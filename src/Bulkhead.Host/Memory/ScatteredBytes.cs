using System.Runtime.InteropServices;

namespace Bulkhead.Host.Memory;

/// <summary>Bytes to write that stand in one place or in several.</summary>
/// <remarks><i>Cost</i>: a slice steps over the places before it.</remarks>
public readonly ref struct ScatteredBytes
{
    private readonly ReadOnlyScatteredBytes _bytes; // of what may be written, all of it

    /// <summary>The bytes of all ranges, in order.</summary>
    public ScatteredBytes(ReadOnlySpan<MemoryRange> ranges) => _bytes = new ReadOnlyScatteredBytes(ranges);

    private ScatteredBytes(ReadOnlyScatteredBytes bytes) => _bytes = bytes;

    /// <summary>How many bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>As many of the first as stand together.</summary>
    public Span<byte> First
    {
        get
        {
            // SAFETY: whoever made it gave bytes that may be written (ScatteredBytesTests).
            ReadOnlySpan<byte> first = _bytes.First;
            return MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(first), first.Length);
        }
    }

    /// <summary>Bytes that stand together.</summary>
    public static implicit operator ScatteredBytes(Span<byte> bytes) => new((ReadOnlyScatteredBytes)bytes);

    /// <summary>Bytes that stand together.</summary>
    public static implicit operator ScatteredBytes(byte[] bytes) => new((ReadOnlyScatteredBytes)bytes);

    /// <summary>The same, to be read only.</summary>
    public static implicit operator ReadOnlyScatteredBytes(ScatteredBytes bytes) => bytes._bytes;

    /// <summary>A part of them.</summary>
    public ScatteredBytes Slice(int start, int length) => new(_bytes.Slice(start, length));

    /// <summary>Writes zeros over all of them.</summary>
    public void Clear()
    {
        for (ScatteredBytes left = this; left.Length > 0; left = left[left.First.Length..])
        {
            left.First.Clear();
        }
    }

    /// <summary>Writes bytes over the first of them.</summary>
    public void CopyFrom(ReadOnlySpan<byte> from)
    {
        for (ScatteredBytes left = this[..from.Length]; left.Length > 0; left = left[left.First.Length..])
        {
            from[..left.First.Length].CopyTo(left.First);
            from = from[left.First.Length..];
        }
    }
}
