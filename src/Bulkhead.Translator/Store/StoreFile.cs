using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Translator.Store;

/// <summary>A store's file as it was written: nothing of it changes.</summary>
/// <remarks>The creator disposes it. <i>Threading</i>: any.</remarks>
internal sealed class StoreFile : IDisposable
{
    private const long MostBytes = 1L << 30;

    private readonly SafeFileHandle _file;
    private readonly ReservedArray<StoreEntry> _index;

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

    /// <summary>Opens a file; null where there is none, or none of this kind and identity, or not all of it.</summary>
    internal static StoreFile? Open(string path, UInt128 identity)
    {
        SafeFileHandle? file = null;
        StoreFile? opened = null;
        try
        {
            file = File.OpenHandle(path, options: FileOptions.RandomAccess);
            StoreHeader header = default;
            byte[] key = new byte[PageHasher.KeyBytes];
            int headerBytes = Unsafe.SizeOf<StoreHeader>();
            long length = RandomAccess.GetLength(file);
            if (OperatingSystem.IsLinux() && (File.GetUnixFileMode(file) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
            {
                return null;
            }

            // SAFETY: plain numbers, any of which are looked at before they are used (CodeStoreTests).
            if (RandomAccess.Read(file, MemoryMarshal.AsBytes(new Span<StoreHeader>(ref header)), 0) != headerBytes
                || header.Magic != StoreHeader.Mark || header.Identity != identity || RandomAccess.Read(file, key, headerBytes) != key.Length
                || header.Pages is < 0 or > 1 << 20 || length > MostBytes
                || header.IndexPosition != length - ((long)header.Pages * Unsafe.SizeOf<StoreEntry>()))
            {
                return null;
            }

            opened = new StoreFile(file, header, key);
            Span<byte> index = MemoryMarshal.AsBytes(opened._index.Slice(0, header.Pages));
            bool whole = RandomAccess.Read(file, index, header.IndexPosition) == index.Length && StoreHeader.Sum(header, key, opened.Pages) == header.Checksum;
            return whole ? opened : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        finally
        {
            if (opened is null)
            {
                file?.Dispose();
            }
        }
    }

    /// <summary>Reads a page's translations; how many bytes, 0 where there are none, or not whole.</summary>
    internal int Read(in PageKey key, Span<byte> into)
    {
        ReadOnlySpan<StoreEntry> pages = Pages;
        int low = 0;
        int high = pages.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            int order = pages[middle].Key.CompareTo(key);
            if (order == 0)
            {
                return Read(pages[middle], into);
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return 0;
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
        catch (IOException)
        {
            return 0; // what cannot be read is translated
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _index.Dispose();
    }
}
