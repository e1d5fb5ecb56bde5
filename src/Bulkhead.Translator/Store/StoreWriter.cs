using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Translator.Store;

/// <summary>Writes a store's file anew: what it is given, and what it is not given of the one before.</summary>
/// <remarks>The creator disposes it. <i>Threading</i>: one thread.</remarks>
internal sealed class StoreWriter : IDisposable
{
    /// <summary>The most bytes of one page's translations.</summary>
    internal const int MostPageBytes = 1 << 20;

    private const int MostPages = 1 << 18;

    /// <summary>Beyond this a file keeps nothing that was not used since the one before was written.</summary>
    private const long MostUnused = 96L << 20;

    private const long MostBytes = 512L << 20;
    private const int BufferBytes = 1 << 20;

    private readonly StoreFile? _before;
    private readonly SafeFileHandle _file;
    private readonly ReservedArray<StoreEntry> _pages = new(MostPages);
    private readonly ReservedArray<byte> _buffer = new(BufferBytes + MostPageBytes);
    private int _buffered;
    private long _written;
    private int _count;
    private long _instructions;

    /// <summary>Begins a file that nobody else has open.</summary>
    internal StoreWriter(string path, StoreFile? before)
    {
        _before = before;
        _file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None);
        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        _written = Unsafe.SizeOf<StoreHeader>() + PageHasher.KeyBytes;
    }

    /// <summary>Adds a page's translations; more of the same page are not taken.</summary>
    internal void Add(in PageKey key, ReadOnlySpan<byte> bytes, int instructions)
    {
        if (_count == MostPages || _written + _buffered + bytes.Length > MostBytes)
        {
            return;
        }

        _pages[_count++] = new StoreEntry
        {
            Key = key, Position = _written + _buffered, Length = bytes.Length, Instructions = instructions, Checksum = XxHash3.HashToUInt64(bytes),
        };
        bytes.CopyTo(_buffer.Slice(_buffered, bytes.Length));
        _buffered += bytes.Length;
        _instructions += instructions;
        if (_buffered >= BufferBytes)
        {
            Flush();
        }
    }

    /// <summary>Ends the file.</summary>
    internal void Finish(UInt128 identity, ReadOnlySpan<byte> key, ulong chance, ulong thunks)
    {
        Sort();
        KeepUnused(_count);
        Flush();
        Span<StoreEntry> index = Sort();
        StoreHeader header = new()
        {
            Magic = StoreHeader.Mark, Identity = identity, IndexPosition = _written, Pages = _count, Instructions = (int)_instructions, Chance = chance, Thunks = thunks,
        };
        header.Checksum = StoreHeader.Sum(header, key, index);

        // SAFETY: plain numbers (CodeStoreTests).
        RandomAccess.Write(_file, MemoryMarshal.AsBytes(index), _written);
        RandomAccess.Write(_file, MemoryMarshal.AsBytes(new ReadOnlySpan<StoreHeader>(in header)), 0);
        RandomAccess.Write(_file, key, Unsafe.SizeOf<StoreHeader>());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _pages.Dispose();
        _buffer.Dispose();
    }

    private Span<StoreEntry> Sort()
    {
        Span<StoreEntry> pages = _pages.Slice(0, _count);
        pages.Sort(static (a, b) => a.Key.CompareTo(b.Key));
        return pages;
    }

    private void KeepUnused(int given)
    {
        if (_before is null)
        {
            return;
        }

        using var bytes = new ReservedArray<byte>(MostPageBytes);
        int next = 0;
        foreach (ref readonly StoreEntry page in _before.Pages)
        {
            while (next < given && _pages[next].Key.CompareTo(page.Key) < 0)
            {
                next++;
            }

            bool isGiven = next < given && _pages[next].Key == page.Key;
            if (!isGiven && _written + _buffered + page.Length <= MostUnused && _before.Read(page, bytes.Slice(0, MostPageBytes)) == page.Length)
            {
                Add(page.Key, bytes.Slice(0, page.Length), page.Instructions);
            }
        }
    }

    private void Flush()
    {
        RandomAccess.Write(_file, _buffer.Slice(0, _buffered), _written);
        _written += _buffered;
        _buffered = 0;
    }
}
