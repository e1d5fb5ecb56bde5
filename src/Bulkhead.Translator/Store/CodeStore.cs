using System.IO.Hashing;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Translator.Store;

/// <summary>Translations that are kept, in a file, for domains that run the same: the next boot, and the next domain, translate what is
/// new alone.</summary>
/// <remarks>
/// <para>What is kept is named by what it was made from: the bytes of its page, the mode, the address. So a file can be old, or of another
/// guest, and be right. Its header names the build of the engine and its options; each page's translations have a checksum; a file
/// that is of another build or not whole counts as none. Who can write the file can have us run what they like: it is private to the user.</para>
/// <para>The creator disposes it, after all who joined left. <i>Threading</i>: any. <i>Locks</i>: its own, then a code space's; reading takes none.</para>
/// </remarks>
public sealed class CodeStore : IDisposable
{
    /// <summary>A file is written anew for so many new instructions at least, and for this part of what it holds.</summary>
    private const int Least = 2_000;

    private const int LeastPart = 32;

    private readonly string _path;
    private readonly UInt128 _identity;
    private readonly byte[] _key;
    private readonly List<StoreFile> _files = [];
    private readonly List<ICodeSource> _sources = [];
    private readonly Lock _lock = new();
    private readonly AutoResetEvent _asked = new(false);
    private readonly Thread _keeper;
    private readonly bool _keepsLittle;
    private volatile bool _ends;
    private StoreFile? _file;
    private ulong _thunks;

    private CodeStore(string path, UInt128 identity, StoreFile? file, byte[] key, ulong chance, bool keepsLittle)
    {
        _keepsLittle = keepsLittle;
        _path = path;
        _identity = identity;
        _key = key;
        Chance = chance;
        Hasher = new PageHasher(key);
        _thunks = file?.Header.Thunks ?? 0;
        Publish(file);
        _keeper = new Thread(Keep) { IsBackground = true, Name = "code store" };
        _keeper.Start();
    }

    /// <summary>A number nobody knows, the same as long as the file lives: what is at random places of a guest, but must be at the same
    /// ones for its translations to be of use, is placed by it.</summary>
    public ulong Chance { get; }

    /// <summary>Why the file could not be written the last time, or null.</summary>
    public string? Trouble { get; private set; }

    internal PageHasher Hasher { get; }

    /// <summary>Opens the store of a file, which need not be there yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">What its translations are good for.</param>
    /// <param name="random">Fills bytes with what nobody knows.</param>
    /// <param name="keepsLittle">Whether the file is written anew for whatever is new: for tests.</param>
    public static CodeStore Open(string path, string identity, Action<Span<byte>> random, bool keepsLittle = false)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(random);
        UInt128 hash = XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(identity));
        if (StoreFile.Open(path, hash) is { } file)
        {
            return new CodeStore(path, hash, file, file.Key, file.Header.Chance, keepsLittle);
        }

        byte[] key = new byte[PageHasher.KeyBytes + sizeof(ulong)];
        random(key);
        return new CodeStore(path, hash, null, key[sizeof(ulong)..], BitConverter.ToUInt64(key), keepsLittle);
    }

    /// <summary>Reads the translations of a page; how many bytes, 0 where there are none.</summary>
    internal int Read(in PageKey key, Span<byte> into) => Volatile.Read(ref _file)?.Read(key, into) ?? 0;

    /// <summary>A code space begins to use it; what others have translated by now is there for it. False: it has thunks elsewhere, and must not.</summary>
    internal bool Join(ICodeSource source, ulong thunks)
    {
        lock (_lock)
        {
            if (_thunks != 0 && _thunks != thunks)
            {
                return false;
            }

            _thunks = thunks;
            foreach (ICodeSource other in _sources)
            {
                Gather(other);
            }

            _sources.Add(source);
            return true;
        }
    }

    /// <summary>A code space ends; what it translated is kept.</summary>
    internal void Leave(ICodeSource source)
    {
        lock (_lock)
        {
            if (_sources.Remove(source))
            {
                Gather(source);
            }
        }
    }

    /// <summary>Has what all who joined translated be kept soon, by another thread.</summary>
    internal void Ask() => _asked.Set();

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _asked.Set();
        _keeper.Join();
        _asked.Dispose();
        _files.ForEach(static f => f.Dispose());
    }

    private void Keep()
    {
        while (_asked.WaitOne() && !_ends)
        {
            lock (_lock)
            {
                _sources.ForEach(Gather);
            }
        }
    }

    private void Gather(ICodeSource source)
    {
        if (source.NewInstructions < (_keepsLittle ? 1 : Math.Max(Least, (_file?.Header.Instructions ?? 0) / LeastPart)))
        {
            return;
        }

        string temporary = $"{_path}.{Environment.ProcessId}";
        try
        {
            using (var writer = new StoreWriter(temporary, _file))
            {
                source.WriteTo(writer);
                writer.Finish(_identity, _key, Chance, _thunks);
            }

            File.Move(temporary, _path, overwrite: true);
            Publish(StoreFile.Open(_path, _identity));
            Trouble = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperatorException)
        {
            Trouble = e.Message;
            TryDelete(temporary);
        }
    }

    // Those who read the one before may be in the middle of it.
    private void Publish(StoreFile? file)
    {
        if (file is null)
        {
            return;
        }

        _files.Add(file);
        if (file.Key.AsSpan().SequenceEqual(_key))
        {
            Volatile.Write(ref _file, file); // else another process put its own in that place
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // as it could not be written
        }
    }
}
