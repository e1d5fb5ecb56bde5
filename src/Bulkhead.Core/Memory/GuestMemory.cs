using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Bulkhead.Host.Memory;

namespace Bulkhead.Core.Memory;

/// <summary>A domain's RAM, and the only door to it: every address and length a guest supplies is checked here.</summary>
/// <remarks>
/// <para><i>Shape</i>: one mapping; RAM lies at [0, <see cref="LowSizeBytes"/>) and, when larger than
/// <see cref="HoleStart"/>, goes on at 4 GiB. The hole below 4 GiB is for devices. Memory shared with other domains follows RAM in the
/// mapping, and has pages like it; its guest physical addresses are its own matter (<see cref="SharedWindow"/>). Behind it stands the ROM,
/// if there is one, which nothing changes.</para>
/// <para><i>Threading</i>: any thread. Reads and writes of other threads may interleave bytewise.</para>
/// <para><i>Errors</i>: a range that is not wholly RAM makes a Try method return false and touch nothing.</para>
/// </remarks>
public sealed unsafe class GuestMemory : IDisposable
{
    /// <summary>Where RAM stops below 4 GiB: the PCI, I/O APIC, HPET and local APIC windows follow.</summary>
    public const ulong HoleStart = 0xC000_0000;

    /// <summary>Where RAM goes on above the hole.</summary>
    public const ulong HighStart = 0x1_0000_0000;

    private const int NowhereBytes = 0x1_0000;

    private readonly SharedMemory _backing;
    private readonly byte* _base;
    private readonly SharedWindow[] _shared;
    private readonly SharedWindow[] _windows;
    private IMemoryObserver? _observer;
    private uint _protected;
    private PrivateMemory? _nowhere;

    /// <summary>Creates RAM of <paramref name="sizeBytes"/> bytes, a multiple of 4096.</summary>
    /// <param name="name">A name for whoever looks at the process.</param>
    /// <param name="sizeBytes">How much RAM.</param>
    /// <param name="shared">Memory shared with other domains, and whether it may only be read; the caller keeps it longer.</param>
    public GuestMemory(string name, ulong sizeBytes, params ReadOnlySpan<(SharedMemory Memory, bool ReadOnly)> shared)
        : this(name, sizeBytes, rom: null, shared)
    {
    }

    /// <summary>The same with a ROM, which ends at 4 GiB.</summary>
    /// <param name="name">A name for whoever looks at the process.</param>
    /// <param name="sizeBytes">How much RAM.</param>
    /// <param name="rom">What is in the ROM, or null for none; nobody changes it, and the caller keeps it longer.</param>
    /// <param name="shared">Memory shared with other domains, and whether it may only be read; the caller keeps it longer.</param>
    public GuestMemory(string name, ulong sizeBytes, SharedMemory? rom, ReadOnlySpan<(SharedMemory Memory, bool ReadOnly)> shared)
    {
        ReadOnlySpan<(SharedMemory Memory, bool ReadOnly)> behind = rom is null ? shared : [.. shared, (rom, true)];
        _backing = SharedMemory.Create(name, sizeBytes, behind);
        _base = _backing.Pointer;
        SizeBytes = sizeBytes;
        LowSizeBytes = Math.Min(sizeBytes, HoleStart);
        _windows = new SharedWindow[behind.Length];
        ulong offset = sizeBytes;
        for (int i = 0; i < _windows.Length; i++)
        {
            _windows[i] = new SharedWindow(this, offset, behind[i].Memory, behind[i].ReadOnly);
            offset += behind[i].Memory.SizeBytes;
        }

        _shared = _windows[..shared.Length];
        SharedPagesEnd = PageCount - (rom is null ? 0 : (int)(rom.SizeBytes >> 12));
        if (rom is not null)
        {
            _windows[^1].Place(HighStart - rom.SizeBytes);
        }
    }

    /// <summary>The memory shared with other domains, in order.</summary>
    public IReadOnlyList<SharedWindow> Shared => _shared;

    /// <summary>All RAM in bytes.</summary>
    public ulong SizeBytes { get; }

    /// <summary>RAM that starts at guest physical 0, in bytes.</summary>
    public ulong LowSizeBytes { get; }

    /// <summary>RAM that starts at 4 GiB, in bytes.</summary>
    public ulong HighSizeBytes => SizeBytes - LowSizeBytes;

    /// <summary>The number of 4 KiB pages, shared ones behind those of RAM.</summary>
    public int PageCount => (int)(_backing.SizeBytes >> 12);

    /// <summary>The number of pages of RAM alone.</summary>
    public int RamPageCount => (int)(SizeBytes >> 12);

    private int SharedPagesEnd { get; }

    /// <summary>Names the one observer of writes made here; the engine sets it before guests run.</summary>
    public void Observe(IMemoryObserver observer) => _observer = observer;

    /// <summary>Whether [<paramref name="address"/>, +<paramref name="length"/>) is wholly RAM.</summary>
    public bool Contains(Gpa address, ulong length) => TryOffset(address.Value, length, write: true, out _);

    /// <summary>The page number (0..<see cref="PageCount"/>) of an address, or -1 where there is no memory.</summary>
    public int PageNumber(Gpa address) => TryOffset(address.Value, 1, write: false, out ulong offset) ? (int)(offset >> 12) : -1;

    /// <summary>The guest physical address of a RAM page number.</summary>
    public Gpa PageAddress(int pageNumber)
    {
        ulong offset = (ulong)pageNumber << 12;
        return new Gpa(offset < LowSizeBytes ? offset : HighStart + (offset - LowSizeBytes));
    }

    /// <summary>The host address of a page. For the soft TLB's fill and code's bytes; as <see cref="HostPointer"/>.</summary>
    public byte* PagePointer(int pageNumber) => _base + ((ulong)(uint)pageNumber << 12);

    /// <summary>Whether a page is shared with other domains, which write to it unseen.</summary>
    public bool IsShared(int pageNumber) => pageNumber >= RamPageCount && pageNumber < SharedPagesEnd;

    /// <summary>Whether a page may only be read.</summary>
    public bool IsReadOnly(int pageNumber)
    {
        ulong offset = (ulong)(uint)pageNumber << 12;
        if (pageNumber < RamPageCount)
        {
            return IsProtected(offset);
        }

        foreach (SharedWindow w in _windows)
        {
            if (offset - w.Offset < w.SizeBytes)
            {
                return w.ReadOnly;
            }
        }

        return false;
    }

    /// <summary>Where a machine with firmware can have its RAM take no writes: from <see cref="ProtectedStart"/> to 1 MiB.</summary>
    public const ulong ProtectedStart = 0xC_0000;

    /// <summary>How much of it one bit of <see cref="Protect"/> stands for.</summary>
    public const ulong ProtectedUnit = 0x4000;

    /// <summary>Has units of RAM from <see cref="ProtectedStart"/> on take no writes, a bit for each of the sixteen.</summary>
    public void Protect(ushort units)
    {
        if (Interlocked.Exchange(ref _protected, units) != units)
        {
            NoteMoved();
        }
    }

    private bool IsProtected(ulong address, ulong length)
    {
        bool any = false;
        for (ulong at = address & ~(ProtectedUnit - 1); at < Math.Min(address + Math.Max(length, 1), ProtectedStart + (16 * ProtectedUnit)); at += ProtectedUnit)
        {
            any |= IsProtected(at);
        }

        return any;
    }

    private bool IsProtected(ulong address)
    {
        ulong unit = (address - ProtectedStart) / ProtectedUnit;
        return unit < 16 && ((Volatile.Read(ref _protected) >> (int)unit) & 1) != 0;
    }

    /// <summary>Copies bytes of a shared window out.</summary>
    internal void ReadShared(SharedWindow window, ulong offset, Span<byte> destination) => SharedBytes(window, offset, destination.Length).CopyTo(destination);

    /// <summary>Copies bytes into a shared window. No translations stand for it: code there runs one instruction at a time.</summary>
    internal void WriteShared(SharedWindow window, ulong offset, ReadOnlySpan<byte> source)
    {
        if (window.ReadOnly)
        {
            throw new InvalidOperationException("The memory may only be read.");
        }

        source.CopyTo(SharedBytes(window, offset, source.Length));
    }

    private Span<byte> SharedBytes(SharedWindow window, ulong offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)length, window.SizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, window.SizeBytes - (ulong)length);

        // SAFETY: the window lies in the mapping, and the range in the window (GuestMemoryTests).
        return new Span<byte>(_base + window.Offset + offset, length);
    }

    /// <summary>A shared window moved: translations of addresses that lead there, or did, are to be forgotten.</summary>
    internal void NoteMoved() => _observer?.OnMoved();

    /// <summary>The host address of a range of memory that may be written, or null. For the soft TLB's fill and the page walk alone.</summary>
    /// <remarks>Writes through the pointer do not reach the observer; <see cref="NotifyWritten"/> tells it.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* HostPointer(Gpa address, ulong length) => TryOffset(address.Value, length, write: true, out ulong offset) ? _base + offset : null;

    /// <summary>Copies guest bytes out; 1, 2, 4 and 8 bytes in one load, so that what another processor stores at once is seen at once.</summary>
    public bool TryRead(Gpa address, Span<byte> destination)
    {
        if (!TryOffset(address.Value, (ulong)destination.Length, write: false, out ulong offset))
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
        if (!TryOffset(address.Value, (ulong)source.Length, write: true, out ulong offset))
        {
            return false;
        }

        // SAFETY: as in TryRead.
        Copy(source, new Span<byte>(_base + offset, source.Length));
        _observer?.OnWritten(address, (ulong)source.Length);
        return true;
    }

    /// <summary>Takes pages from the host for a range that is written next, which is quicker than one at a time.</summary>
    public void Populate(Gpa address, ulong length)
    {
        if (TryOffset(address.Value, length, write: true, out ulong offset))
        {
            _backing.Populate(offset, length);
        }
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

    /// <summary>As <see cref="TrySpan"/>, for calls that take many such at once.</summary>
    public bool TryRange(Gpa address, int length, out MemoryRange range)
    {
        byte* start = length < 0 ? null : HostPointer(address, (ulong)length);

        // SAFETY: as in TrySpan.
        range = start == null ? default : new MemoryRange(start, length);
        return start != null;
    }

    /// <summary>As <see cref="TrySpan"/>, of what was RAM when it was checked. Where it is no more (a window moved, a ROM's shadow takes no
    /// writes) it is as on a bus where nobody answers: bytes that lead nowhere, perhaps fewer.</summary>
    public Span<byte> SpanOrNowhere(Gpa address, int length)
    {
        byte* start = PointerOrNowhere(address, ref length);

        // SAFETY: as in TrySpan; nowhere has as many bytes as it says (RomTests).
        return new Span<byte>(start, length);
    }

    /// <summary>As <see cref="SpanOrNowhere"/>, for calls that take many such at once.</summary>
    public MemoryRange RangeOrNowhere(Gpa address, int length)
    {
        byte* start = PointerOrNowhere(address, ref length);

        // SAFETY: as in SpanOrNowhere.
        return new MemoryRange(start, length);
    }

    /// <summary>Tells the observer of bytes that were changed through <see cref="HostPointer"/>, once for the whole range.</summary>
    public void NotifyWritten(Gpa address, ulong length) => _observer?.OnWritten(address, length);

    /// <summary>Gives whole pages of RAM back to the host; they read as zeros until something is written there. Tells the observer.</summary>
    /// <remarks><i>Errors</i>: false where these are not whole pages, or not RAM of this domain alone; nothing changes.</remarks>
    public bool TryDiscard(Gpa address, ulong length)
    {
        const ulong inPage = 4095;
        if (length == 0 || ((address.Value | length) & inPage) != 0 || !TryOffset(address.Value, length, write: true, out ulong offset)
            || offset >= SizeBytes || !_backing.TryDiscard(offset, length))
        {
            return false;
        }

        _observer?.OnWritten(address, length);
        return true;
    }

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
    public void Dispose()
    {
        _backing.Dispose();
        _nowhere?.Dispose();
    }

    private byte* PointerOrNowhere(Gpa address, ref int length)
    {
        byte* start = HostPointer(address, (ulong)length);
        if (start == null)
        {
            length = Math.Min(length, NowhereBytes);
            start = LazyInitializer.EnsureInitialized(ref _nowhere, static () => new PrivateMemory(NowhereBytes)).Pointer;
        }

        return start;
    }

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
    private bool TryOffset(ulong address, ulong length, bool write, out ulong offset)
    {
        if (address < LowSizeBytes)
        {
            offset = address;
            return length <= LowSizeBytes - address && !(write && _protected != 0 && IsProtected(address, length));
        }

        ulong high = address - HighStart;
        offset = LowSizeBytes + high;
        return address >= HighStart && high < HighSizeBytes ? length <= HighSizeBytes - high : TryShared(address, length, write, out offset);
    }

    private bool TryShared(ulong address, ulong length, bool write, out ulong offset)
    {
        foreach (SharedWindow w in _windows)
        {
            if (w.Holds(address, out ulong into) && !(write && w.ReadOnly))
            {
                offset = w.Offset + into;
                return length <= w.SizeBytes - into;
            }
        }

        offset = 0;
        return false;
    }
}
