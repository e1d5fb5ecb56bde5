namespace Bulkhead.Core.Memory;

/// <summary>Memory a domain shares with others, as it stands in the domain: somewhere in its physical address space, or nowhere.</summary>
/// <remarks><i>Threading</i>: moved by one thread at a time, read by any. A vCPU reaches it where it was until its next look at most.</remarks>
public sealed class SharedWindow
{
    /// <summary>An address that is none.</summary>
    private const ulong Nowhere = 1ul << 63;

    private readonly GuestMemory _memory;
    private ulong _address = Nowhere;

    internal SharedWindow(GuestMemory memory, ulong offset, ulong sizeBytes, bool readOnly)
    {
        (_memory, Offset, SizeBytes, ReadOnly) = (memory, offset, sizeBytes, readOnly);
    }

    /// <summary>Its size.</summary>
    public ulong SizeBytes { get; }

    /// <summary>Whether the domain may only read it.</summary>
    public bool ReadOnly { get; }

    /// <summary>Where it begins in the domain's mapping.</summary>
    internal ulong Offset { get; }

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
