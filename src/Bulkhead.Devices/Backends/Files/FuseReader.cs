using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>Reads what a request holds, front to back.</summary>
/// <remarks><i>Errors</i>: what is not there reads as zero and nothing, and <see cref="Failed"/> says so.</remarks>
internal ref struct FuseReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _left = bytes;

    /// <summary>Whether something was missing.</summary>
    internal bool Failed { get; private set; }

    /// <summary>Reads 32 bits.</summary>
    internal uint UInt32() => Take(sizeof(uint)) is { Length: > 0 } b ? BinaryPrimitives.ReadUInt32LittleEndian(b) : 0;

    /// <summary>Reads 64 bits.</summary>
    internal ulong UInt64() => Take(sizeof(ulong)) is { Length: > 0 } b ? BinaryPrimitives.ReadUInt64LittleEndian(b) : 0;

    /// <summary>Passes bytes over.</summary>
    internal void Skip(int count) => _ = Take(count);

    /// <summary>Reads text up to the 0 behind it.</summary>
    internal ReadOnlySpan<byte> Text()
    {
        int end = _left.IndexOf((byte)0);
        Failed |= end < 0;
        return end < 0 ? [] : Take(end + 1)[..end];
    }

    /// <summary>Reads as many bytes as that.</summary>
    internal ReadOnlySpan<byte> Bytes(uint count) => count > int.MaxValue ? Take(int.MaxValue) : Take((int)count);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _left.Length)
        {
            Failed = true;
            return [];
        }

        ReadOnlySpan<byte> taken = _left[..count];
        _left = _left[count..];
        return taken;
    }
}
