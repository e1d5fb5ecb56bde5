using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Bulkhead.Host.Memory;

namespace Bulkhead.Core.Memory;

/// <summary>A domain's RAM, and the only door to it: every address and length a guest supplies is checked here.</summary>
/// <remarks>
/// <para><i>Shape</i>: one mapping; RAM lies at [0, <see cref="LowSizeBytes"/>) and, when larger than
/// <see cref="HoleStart"/>, goes on at 4 GiB. The hole below 4 GiB is for devices.</para>
/// <para><i>Threading</i>: any thread. Reads and writes of other threads may interleave bytewise.</para>
/// <para><i>Errors</i>: a range that is not wholly RAM makes a Try method return false and touch nothing.</para>
/// </remarks>
public sealed unsafe class GuestMemory : IDisposable
{
    /// <summary>Where RAM stops below 4 GiB: the PCI, I/O APIC, HPET and local APIC windows follow.</summary>
    public const ulong HoleStart = 0xC000_0000;

    /// <summary>Where RAM goes on above the hole.</summary>
    public const ulong HighStart = 0x1_0000_0000;

    private readonly SharedMemory _backing;
    private readonly byte* _base;
    private IWriteObserver? _observer;

    /// <summary>Creates RAM of <paramref name="sizeBytes"/> bytes, a multiple of 4096.</summary>
    public GuestMemory(string name, ulong sizeBytes)
    {
        _backing = SharedMemory.Create(name, sizeBytes);
        _base = _backing.Pointer;
        SizeBytes = sizeBytes;
        LowSizeBytes = Math.Min(sizeBytes, HoleStart);
    }

    /// <summary>All RAM in bytes.</summary>
    public ulong SizeBytes { get; }

    /// <summary>RAM that starts at guest physical 0, in bytes.</summary>
    public ulong LowSizeBytes { get; }

    /// <summary>RAM that starts at 4 GiB, in bytes.</summary>
    public ulong HighSizeBytes => SizeBytes - LowSizeBytes;

    /// <summary>The number of 4 KiB RAM pages.</summary>
    public int PageCount => (int)(SizeBytes >> 12);

    /// <summary>Names the one observer of writes made here; the engine sets it before guests run.</summary>
    public void Observe(IWriteObserver observer) => _observer = observer;

    /// <summary>Whether [<paramref name="address"/>, +<paramref name="length"/>) is wholly RAM.</summary>
    public bool Contains(Gpa address, ulong length) => TryOffset(address.Value, length, out _);

    /// <summary>The RAM page number (0..<see cref="PageCount"/>) of an address, or -1 where there is no RAM.</summary>
    public int PageNumber(Gpa address) => TryOffset(address.Value, 1, out ulong offset) ? (int)(offset >> 12) : -1;

    /// <summary>The guest physical address of a RAM page number.</summary>
    public Gpa PageAddress(int pageNumber)
    {
        ulong offset = (ulong)pageNumber << 12;
        return new Gpa(offset < LowSizeBytes ? offset : HighStart + (offset - LowSizeBytes));
    }

    /// <summary>The host address of a range of RAM, or null. For the soft TLB's fill and the page walk alone.</summary>
    /// <remarks>Writes through the pointer do not reach the observer; <see cref="NotifyWritten"/> tells it.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* HostPointer(Gpa address, ulong length) => TryOffset(address.Value, length, out ulong offset) ? _base + offset : null;

    /// <summary>Copies guest bytes out; 1, 2, 4 and 8 bytes in one load, so that what another processor stores at once is seen at once.</summary>
    public bool TryRead(Gpa address, Span<byte> destination)
    {
        if (!TryOffset(address.Value, (ulong)destination.Length, out ulong offset))
        {
            return false;
        }

        // SAFETY: TryOffset proved the range lies in the mapping (GuestMemoryTests).
        Copy(new ReadOnlySpan<byte>(_base + offset, destination.Length), destination);
        return true;
    }

    /// <summary>Copies bytes into the guest and tells the observer; 1, 2, 4 and 8 bytes in one store.</summary>
    public bool TryWrite(Gpa address, ReadOnlySpan<byte> source)
    {
        if (!TryOffset(address.Value, (ulong)source.Length, out ulong offset))
        {
            return false;
        }

        // SAFETY: as in TryRead.
        Copy(source, new Span<byte>(_base + offset, source.Length));
        _observer?.OnWritten(address, (ulong)source.Length);
        return true;
    }

    /// <summary>RAM itself, for data that goes to or comes from elsewhere unread: what is decided upon is copied first, as the guest may
    /// change it meanwhile.</summary>
    /// <remarks>Writes do not reach the observer; <see cref="NotifyWritten"/> tells it.</remarks>
    public bool TrySpan(Gpa address, int length, out Span<byte> bytes)
    {
        byte* start = length < 0 ? null : HostPointer(address, (ulong)length);

        // SAFETY: as in TryRead; the mapping lives as long as the domain, and devices stop before it (Board.Dispose).
        bytes = start == null ? default : new Span<byte>(start, length);
        return start != null;
    }

    /// <summary>Tells the observer of bytes that were changed through <see cref="HostPointer"/>, once for the whole range.</summary>
    public void NotifyWritten(Gpa address, ulong length) => _observer?.OnWritten(address, length);

    /// <summary>Reads a little-endian 64-bit value.</summary>
    public bool TryReadUInt64(Gpa address, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        bool ok = TryRead(address, bytes);
        value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return ok;
    }

    /// <summary>Reads a little-endian 32-bit value.</summary>
    public bool TryReadUInt32(Gpa address, out uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        bool ok = TryRead(address, bytes);
        value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return ok;
    }

    /// <summary>Writes a little-endian 64-bit value.</summary>
    public bool TryWriteUInt64(Gpa address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return TryWrite(address, bytes);
    }

    /// <summary>Writes a little-endian 32-bit value.</summary>
    public bool TryWriteUInt32(Gpa address, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return TryWrite(address, bytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _backing.Dispose();

    /// <summary>Copies to a span of the same length; 2, 4 and 8 bytes in one load and one store, which a block copy does not promise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        switch (source.Length)
        {
            case 2:
                Unsafe.WriteUnaligned(ref destination[0], Unsafe.ReadUnaligned<ushort>(in source[0]));
                break;
            case 4:
                Unsafe.WriteUnaligned(ref destination[0], Unsafe.ReadUnaligned<uint>(in source[0]));
                break;
            case 8:
                Unsafe.WriteUnaligned(ref destination[0], Unsafe.ReadUnaligned<ulong>(in source[0]));
                break;
            default:
                source.CopyTo(destination);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryOffset(ulong address, ulong length, out ulong offset)
    {
        if (address < LowSizeBytes)
        {
            offset = address;
            return length <= LowSizeBytes - address;
        }

        ulong high = address - HighStart;
        offset = LowSizeBytes + high;
        return address >= HighStart && high < HighSizeBytes && length <= HighSizeBytes - high;
    }
}
