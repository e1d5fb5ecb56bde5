using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Host.Files;
using Bulkhead.Host.Memory;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Translator.Store;

/// <summary>Writes a store's file anew: what it is given, and what it is not given of the one before, for a while.</summary>
/// <remarks>The creator disposes it. <i>Threading</i>: one thread.</remarks>
internal sealed class StoreWriter : IDisposable
{
    /// <summary>The most bytes of one page's translations: what would be more is not added to what is kept.</summary>
    /// <remarks>Whoever meets the page takes them all at once; a page of a kernel has some 20,000.</remarks>
    internal const int MostPageBytes = 128 << 10;

    /// <summary>The most pages of a file.</summary>
    internal const int MostPages = 1 << 18;

    /// <summary>What was not used for so many files is not kept any more.</summary>
    private const int MostAge = 6;

    private const long MostBytes = 256L << 20;
    private const int BufferBytes = 1 << 20;

    private readonly StoreFile? _before;
    private readonly SafeFileHandle _file;
    private readonly ReservedArray<StoreEntry> _pages = new(MostPages);
    private readonly ReservedArray<byte> _buffer = new(BufferBytes + MostPageBytes);
    private int _buffered;
    private long _written;
    private int _count;
    private int _sorted;

    /// <summary>Begins a file that nobody else has open.</summary>
    internal StoreWriter(string path, StoreFile? before)
    {
        _before = before;
        _file = HostFile.CreatePrivate(path);
        _written = Unsafe.SizeOf<StoreHeader>() + PageHasher.KeyBytes;
    }

    /// <summary>Reads a page's translations of the file before; how many bytes, and of how many instructions.</summary>
    internal int ReadBefore(in PageKey key, Span<byte> into, out int instructions)
    {
        instructions = 0;
        int bytes = _before?.Read(key, into, out instructions) ?? 0;
        instructions = bytes == 0 ? 0 : instructions;
        return bytes;
    }

    /// <summary>Takes all that a source has.</summary>
    internal void Take(ICodeSource source)
    {
        source.WriteTo(this);
        Sort();
        _sorted = _count;
    }

    /// <summary>Adds a page's translations, unless another source gave as much.</summary>
    internal void Add(in PageKey key, ReadOnlySpan<byte> bytes, int instructions, int age = 0)
    {
        if (Given(key) >= instructions || _count == MostPages || _written + _buffered + bytes.Length > MostBytes)
        {
            return;
        }

        _pages[_count++] = new StoreEntry
        {
            Key = key, Position = _written + _buffered, Length = bytes.Length, Instructions = instructions, Age = age, Checksum = XxHash3.HashToUInt64(bytes),
        };
        bytes.CopyTo(_buffer.Slice(_buffered, bytes.Length));
        _buffered += bytes.Length;
        if (_buffered >= BufferBytes)
        {
            Flush();
        }
    }

    /// <summary>Ends the file.</summary>
    internal void Finish(UInt128 identity, ReadOnlySpan<byte> key, ulong chance, ulong thunks)
    {
        KeepUnused();
        Flush();
        Sort();
        Span<StoreEntry> index = _pages.Slice(0, _count);
        StoreHeader header = new() { Magic = StoreHeader.Mark, Identity = identity, IndexPosition = _written, Pages = _count, Chance = chance, Thunks = thunks };
        foreach (ref readonly StoreEntry page in index)
        {
            header.Instructions += page.Instructions;
        }

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

    /// <summary>How many instructions of a page there are already; below 0 where nobody gave it.</summary>
    private int Given(in PageKey key) => StoreEntry.IndexOf(_pages.Slice(0, _sorted), key) is >= 0 and int page ? _pages[page].Instructions : -1;

    /// <summary>Sorts the index; of a page that several gave, the one with most stays.</summary>
    private void Sort()
    {
        Span<StoreEntry> pages = _pages.Slice(0, _count);
        pages.Sort(static (a, b) => a.Key.CompareTo(b.Key) is not 0 and int order ? order : b.Instructions.CompareTo(a.Instructions));
        int kept = 0;
        foreach (ref readonly StoreEntry page in pages)
        {
            if (kept == 0 || pages[kept - 1].Key != page.Key)
            {
                pages[kept++] = page;
            }
        }

        _count = kept;
    }

    // And of what was used, of which there was more before.
    private void KeepUnused()
    {
        if (_before is null)
        {
            return;
        }

        using var bytes = new ReservedArray<byte>(MostPageBytes);
        foreach (ref readonly StoreEntry page in _before.Pages)
        {
            int given = Given(page.Key);
            bool isWanted = given < 0 ? page.Age < MostAge : given < page.Instructions;
            if (isWanted && _before.Read(page, bytes.Slice(0, MostPageBytes)) == page.Length)
            {
                Add(page.Key, bytes.Slice(0, page.Length), page.Instructions, given < 0 ? page.Age + 1 : 0);
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
