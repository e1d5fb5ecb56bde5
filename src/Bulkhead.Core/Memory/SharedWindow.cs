using Bulkhead.Host.Memory;

namespace Bulkhead.Core.Memory;

/// <summary>Memory that is not RAM, as it stands in a domain that shares it with others or with a device: somewhere in its physical address
/// space, or nowhere.</summary>
/// <remarks><i>Threading</i>: moved by one thread at a time, read by any. A vCPU reaches it where it was until its next look at most.</remarks>
public sealed class SharedWindow
{
    /// <summary>An address that is none.</summary>
    private const ulong Nowhere = 1ul << 63;

    private const int ClearBytes = 1 << 16;

    private readonly GuestMemory _memory;
    private readonly SharedMemory _backing;
    private ulong _address = Nowhere;

    internal SharedWindow(GuestMemory memory, ulong offset, SharedMemory backing, bool readOnly)
    {
        (_memory, Offset, _backing, ReadOnly) = (memory, offset, backing, readOnly);
    }

    /// <summary>Its size.</summary>
    public ulong SizeBytes => _backing.SizeBytes;

    /// <summary>Whether the domain may only read it.</summary>
    public bool ReadOnly { get; }

    /// <summary>Where it begins in the domain's mapping.</summary>
    internal ulong Offset { get; }

    /// <summary>Copies bytes of it out, wherever it is in the domain.</summary>
    public void Read(ulong offset, Span<byte> destination) => _memory.ReadShared(this, offset, destination);

    /// <summary>Copies bytes into it, wherever it is in the domain.</summary>
    public void Write(ulong offset, ReadOnlySpan<byte> source) => _memory.WriteShared(this, offset, source);

    /// <summary>Makes all of it zeros, wherever it is in the domain, and gives its pages back to the host where that takes them.</summary>
    public void Clear()
    {
        if (ReadOnly || !_backing.TryDiscard(0, SizeBytes))
        {
            ReadOnlySpan<byte> zeros = new byte[ClearBytes];
            for (ulong at = 0; at < SizeBytes; at += ClearBytes)
            {
                Write(at, zeros[..(int)Math.Min(ClearBytes, SizeBytes - at)]);
            }
        }
    }

    /// <summary>Whether an address lies in it, and how far from its beginning.</summary>
    internal bool Holds(ulong address, out ulong into)
    {
        ulong start = Volatile.Read(ref _address);
        into = address - start;
        return into < SizeBytes && start != Nowhere;
    }

    /// <summary>Puts it somewhere, or nowhere.</summary>
    public void Place(ulong? address)
    {
        ulong to = address ?? Nowhere;
        if (Interlocked.Exchange(ref _address, to) != to)
        {
            _memory.NoteMoved();
        }
    }
}
