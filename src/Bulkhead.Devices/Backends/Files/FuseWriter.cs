using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>Writes an answer, front to back.</summary>
/// <remarks><i>Errors</i>: what there is no room for is not written, and <see cref="Failed"/> says so.</remarks>
internal ref struct FuseWriter(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;

    /// <summary>Whether there was too little room.</summary>
    internal bool Failed { get; private set; }

    /// <summary>How many bytes were written.</summary>
    internal int Count { get; private set; }

    /// <summary>Where to write next; then <see cref="Advance"/>.</summary>
    internal readonly Span<byte> Free => _bytes[Count..];

    /// <summary>Writes 16 bits.</summary>
    internal void Write(ushort value)
    {
        if (Take(sizeof(ushort)) is { Length: > 0 } to)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(to, value);
        }
    }

    /// <summary>Writes 32 bits.</summary>
    internal void Write(uint value)
    {
        if (Take(sizeof(uint)) is { Length: > 0 } to)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(to, value);
        }
    }

    /// <summary>Writes 64 bits.</summary>
    internal void Write(ulong value)
    {
        if (Take(sizeof(ulong)) is { Length: > 0 } to)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(to, value);
        }
    }

    /// <summary>Writes bytes.</summary>
    internal void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Writes zeros.</summary>
    internal void WriteZeros(int count) => Take(count).Clear();

    /// <summary>Bytes were written to <see cref="Free"/>.</summary>
    internal void Advance(int count) => Count += count;

    private Span<byte> Take(int count)
    {
        if (count > _bytes.Length - Count)
        {
            Failed = true;
            return new byte[count]; // seldom: a driver that gave too little room
        }

        Count += count;
        return _bytes.Slice(Count - count, count);
    }
}
