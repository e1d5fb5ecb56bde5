using System.IO.Hashing;
using System.Text;
using Bulkhead.Host.Threads;

namespace Bulkhead.Translator.Store;

/// <summary>Translations that are kept, in a file, for domains that run the same: the next boot, and the next domain, translate what is
/// new alone.</summary>
/// <remarks>
/// <para>What is kept is named by what it was made from: the bytes of its page, the mode, the address. So a file can be old, or of another
/// guest, and be right. Its header names the build of the engine and its options; each page's translations have a checksum; a file
/// that is of another build, of another user, or not whole counts as none. Who can write the file can have us run what they like: it is
/// private to the user.</para>
/// <para>The file is written anew, and takes the place of the one before, by a thread of its own: when a code space ends, when another
/// begins, and when one is nearly full.</para>
/// <para>The creator disposes it, after all who joined left. <i>Threading</i>: any. <i>Locks</i>: its own alone; reading takes none.</para>
/// </remarks>
public sealed class CodeStore : IDisposable
{
    /// <summary>A file is written anew for so many new instructions at least, and for this part of what it holds.</summary>
    private const int Least = 2_000;

    private const int LeastPart = 32;

    /// <summary>So long does a code space wait for what others have translated.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(250);

    /// <summary>So often is it written because somebody is nearly full: a guest can see to it that this never ends.</summary>
    private const int MostAsked = 8;

    /// <summary>So many ended code spaces wait to be kept; of others nothing is.</summary>
    private const int MostEnded = 4;

    private readonly string _path;
    private readonly UInt128 _identity;
    private readonly byte[] _key;
    private readonly bool _keepsLittle;
    private readonly Lock _lock = new();
    private readonly List<ICodeSource> _running = [];
    private readonly List<ICodeSource> _ended = [];
    private readonly List<ICodeSource> _inHand = [];
    private readonly List<ManualResetEventSlim> _waiting = [];
    private readonly AutoResetEvent _asked = new(false);
    private readonly Thread _keeper;
    private StoreFile? _file;
    private ulong _thunks;
    private int _timesAsked;
    private bool _ends;

    private CodeStore(string path, UInt128 identity, StoreFile? file, byte[] key, ulong chance, bool keepsLittle)
    {
        _path = path;
        _identity = identity;
        _file = file;
        _key = key;
        _thunks = file?.Header.Thunks ?? 0;
        _keepsLittle = keepsLittle;
        Chance = chance;
        Hasher = new PageHasher(key);
        _keeper = new Thread(Keep) { IsBackground = true, Name = "code store" };
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
        StoreFile? file = StoreFile.Open(path, hash);
        byte[] chance = new byte[sizeof(ulong)];
        byte[] key = file?.Key ?? new byte[PageHasher.KeyBytes];
        if (file is null)
        {
            random(key);
            random(chance);
        }

        var store = new CodeStore(path, hash, file, key, file?.Header.Chance ?? BitConverter.ToUInt64(chance), keepsLittle);
        _ = HostThread.Start(store._keeper);
        return store;
    }

    /// <summary>Reads the translations of a page; how many bytes, 0 where there are none.</summary>
    internal int Read(in PageKey key, Span<byte> into)
    {
        while (Volatile.Read(ref _file) is { } file)
        {
            if (file.TryUse())
            {
                using (file)
                {
                    return file.Read(key, into);
                }
            }
        }

        return 0;
    }

    /// <summary>A code space begins to use it. False: it has thunks elsewhere, and must not.</summary>
    internal bool TryJoin(ICodeSource source, ulong thunks)
    {
        bool others;
        lock (_lock)
        {
            if (_thunks != 0 && _thunks != thunks)
            {
                return false;
            }

            _thunks = thunks;
            others = _running.Count + _ended.Count > 0;
        }

        if (others)
        {
            AwaitKeeper();
        }

        lock (_lock)
        {
            _running.Add(source);
        }

        return true;
    }

    /// <summary>A code space ends; it is released once what it translated is kept.</summary>
    internal void Leave(ICodeSource source)
    {
        bool waits;
        lock (_lock)
        {
            _ = _running.Remove(source);
            waits = _ended.Count < MostEnded || _inHand.Contains(source);
            if (waits)
            {
                _ended.Add(source);
            }
        }

        _ = _asked.Set();
        if (!waits)
        {
            source.Release(); // real-time threads keep the keeper from running
        }
    }

    /// <summary>A code space is nearly full: has all that was translated be kept soon.</summary>
    internal void Ask()
    {
        if (Interlocked.Increment(ref _timesAsked) <= MostAsked)
        {
            _ = _asked.Set();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _ends = true;
        }

        _ = _asked.Set();
        _keeper.Join();
        _asked.Dispose();
        _file?.Dispose();
    }

    private void AwaitKeeper()
    {
        var done = new ManualResetEventSlim();
        lock (_lock)
        {
            _waiting.Add(done);
        }

        _ = _asked.Set();
        _ = done.Wait(s_longest); // real-time threads may keep the keeper from running
    }

    // The keeper's thread.
    private void Keep()
    {
        HostThread.BeOrdinary(); // whoever made it may be more
        HostThread.BeNice();
        do
        {
            _ = _asked.WaitOne();
            ICodeSource[] ended;
            ICodeSource[] running;
            ManualResetEventSlim[] waiting;
            lock (_lock)
            {
                ended = [.. _ended];
                running = [.. _running];
                _inHand.AddRange(running);
                waiting = [.. _waiting];
                _ended.Clear();
                _waiting.Clear();
            }

            Write([.. ended, .. running]);
            lock (_lock)
            {
                _inHand.Clear();
            }

            Array.ForEach(ended, Release);
            Array.ForEach(waiting, static w => w.Set());
        }
        while (!IsOver());
    }

    private void Release(ICodeSource source)
    {
        try
        {
            source.Release();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Trouble = e.Message;
        }
    }

    private bool IsOver()
    {
        lock (_lock)
        {
            return _ends && _ended.Count + _waiting.Count == 0; // who came meanwhile has asked
        }
    }

    private void Write(ICodeSource[] sources)
    {
        long least = _keepsLittle ? 1 : Math.Max(Least, (_file?.Header.Instructions ?? 0) / LeastPart);
        long[] taken = [.. sources.Select(static s => s.NewInstructions)];
        if (taken.Sum() < least)
        {
            return;
        }

        string temporary = $"{_path}.{Environment.ProcessId}";
        try
        {
            using (var writer = new StoreWriter(temporary, _file))
            {
                Array.ForEach(sources, writer.Take);
                writer.Finish(_identity, _key, Chance, _thunks);
            }

            File.Move(temporary, _path, overwrite: true);
            Publish(StoreFile.Open(_path, _identity));
            for (int i = 0; i < sources.Length; i++)
            {
                sources[i].NoteKept(taken[i]);
            }

            Trouble = null;
        }
        catch (Exception e)
        {
            Trouble = e.Message; // this thread's root: nothing is lost but time
            TryDelete(temporary);
        }
    }

    private void Publish(StoreFile? file)
    {
        if (file is not null && file.Key.AsSpan().SequenceEqual(_key))
        {
            Interlocked.Exchange(ref _file, file)?.Dispose();
        }
        else
        {
            file?.Dispose(); // another process put its own in that place
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
