using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Host.Memory;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Translator.Store;

/// <summary>A store's file as it was written: nothing of it changes.</summary>
/// <remarks>It ends when the one who opened it and each who may use it have disposed it once. <i>Threading</i>: any.</remarks>
internal sealed class StoreFile : IDisposable
{
    private const long MostBytes = 1L << 30;

    private readonly SafeFileHandle _file;
    private readonly ReservedArray<StoreEntry> _index;
    private int _users = 1;

    private StoreFile(SafeFileHandle file, in StoreHeader header, byte[] key)
    {
        _file = file;
        Header = header;
        Key = key;
        _index = new ReservedArray<StoreEntry>(Math.Max(header.Pages, 1));
    }

    internal StoreHeader Header { get; }

    /// <summary>The hasher's key.</summary>
    internal byte[] Key { get; }

    /// <summary>The pages, in the order of their keys.</summary>
    internal ReadOnlySpan<StoreEntry> Pages => _index.Slice(0, Header.Pages);

    /// <summary>Opens a file; null where there is none, or none of this kind, identity and user, or not all of it.</summary>
    internal static StoreFile? Open(string path, UInt128 identity)
    {
        try
        {
            SafeFileHandle file = File.OpenHandle(path, options: FileOptions.RandomAccess);
            StoreFile? opened = TryReadHeader(file, identity, out StoreHeader header, out byte[] key) ? new StoreFile(file, header, key) : null;
            if (opened?.TryReadIndex() == true)
            {
                HostFile.WillNeed(file);
                return opened;
            }

            opened?.Dispose();
            file.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperatorException)
        {
            return null; // as if there were none
        }

        return null;
    }

    /// <summary>Whether it may be used, until <see cref="Dispose"/>.</summary>
    internal bool TryUse()
    {
        int users = Volatile.Read(ref _users);
        while (users > 0)
        {
            int found = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (found == users)
            {
                return true;
            }

            users = found;
        }

        return false;
    }

    /// <summary>The end of a use.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            _file.Dispose();
            _index.Dispose();
        }
    }

    /// <summary>Reads a page's translations; how many bytes, 0 where there are none, or not whole.</summary>
    internal int Read(in PageKey key, Span<byte> into) => Read(key, into, out _);

    /// <summary>The same, and how many instructions they are of.</summary>
    internal int Read(in PageKey key, Span<byte> into, out int instructions)
    {
        int page = StoreEntry.IndexOf(Pages, key);
        instructions = page < 0 ? 0 : Pages[page].Instructions;
        return page < 0 ? 0 : Read(Pages[page], into);
    }

    /// <summary>The same of an entry.</summary>
    internal int Read(in StoreEntry entry, Span<byte> into)
    {
        if ((uint)entry.Length > (uint)into.Length)
        {
            return 0;
        }

        Span<byte> bytes = into[..entry.Length];
        try
        {
            return RandomAccess.Read(_file, bytes, entry.Position) == entry.Length && XxHash3.HashToUInt64(bytes) == entry.Checksum ? entry.Length : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // what cannot be read is translated
        }
    }

    private static bool TryReadHeader(SafeFileHandle file, UInt128 identity, out StoreHeader header, out byte[] key)
    {
        header = default;
        key = new byte[PageHasher.KeyBytes];
        int headerBytes = Unsafe.SizeOf<StoreHeader>();
        long length = RandomAccess.GetLength(file);

        // SAFETY: plain numbers, all of which are looked at before they are used (CodeStoreTests).
        return HostFile.IsOurs(file)
            && RandomAccess.Read(file, MemoryMarshal.AsBytes(new Span<StoreHeader>(ref header)), 0) == headerBytes
            && header.Magic == StoreHeader.Mark && header.Identity == identity && RandomAccess.Read(file, key, headerBytes) == key.Length
            && header.Pages is >= 0 and <= StoreWriter.MostPages && length <= MostBytes
            && header.IndexPosition == length - ((long)header.Pages * Unsafe.SizeOf<StoreEntry>());
    }

    private bool TryReadIndex()
    {
        Span<StoreEntry> pages = _index.Slice(0, Header.Pages);
        Span<byte> bytes = MemoryMarshal.AsBytes(pages);
        return RandomAccess.Read(_file, bytes, Header.IndexPosition) == bytes.Length && StoreHeader.Sum(Header, Key, pages) == Header.Checksum;
    }
}
