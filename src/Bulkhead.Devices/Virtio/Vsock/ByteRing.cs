namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>A bounded stream of bytes from one thread to another, or to itself.</summary>
/// <remarks><i>Threading</i>: one writes, one reads. <i>Shape</i>: both counts go on modulo 2^32, which is how credit counts.</remarks>
internal sealed class ByteRing
{
    /// <summary>What it holds: under the size from which arrays are collected seldom.</summary>
    internal const int Capacity = 64 << 10;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Capacity);
    private uint _written;
    private uint _read;

    /// <summary>How much was written, ever.</summary>
    internal uint Written => Volatile.Read(ref _written);

    /// <summary>How much was read, ever.</summary>
    internal uint Read => Volatile.Read(ref _read);

    /// <summary>How much waits.</summary>
    internal int Count => (int)(Volatile.Read(ref _written) - Volatile.Read(ref _read));

    /// <summary>How much there is room for.</summary>
    internal int Room => Capacity - Count;

    /// <summary>Where to write next: as many bytes as stand together. The writer's.</summary>
    internal Span<byte> Free()
    {
        int at = (int)(_written % Capacity);
        return _bytes.AsSpan(at, Math.Min(Room, Capacity - at));
    }

    /// <summary>Shows the reader what was written there.</summary>
    internal void Commit(int bytes) => Volatile.Write(ref _written, _written + (uint)bytes);

    /// <summary>What to read next: as many bytes as stand together. The reader's.</summary>
    internal ReadOnlySpan<byte> Filled()
    {
        int at = (int)(_read % Capacity);
        return _bytes.AsSpan(at, Math.Min(Count, Capacity - at));
    }

    /// <summary>Begins again, for another stream.</summary>
    internal void Clear() => (_written, _read) = (0, 0);

    /// <summary>Makes room of what was read.</summary>
    internal void Consume(int bytes) => Volatile.Write(ref _read, _read + (uint)bytes);
}
