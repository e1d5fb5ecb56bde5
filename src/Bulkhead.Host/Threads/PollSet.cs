using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Threads;

/// <summary>Many descriptors behind one, which is readable while there is news of any.</summary>
/// <remarks><i>Shape</i>: an epoll instance, edge-triggered: news is told once, and again only after something has changed, so whoever takes it
/// goes on until the descriptor has no more. <i>Cost</i>: one system call for all the news; none for a descriptor that is only used.</remarks>
public sealed unsafe partial class PollSet : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int Insert = 1;
    private const uint EdgeTriggered = 1u << 31;
    private const int MostAtOnce = 64;

    private readonly SafeFileHandle _set = new(Create(CloseOnExec), ownsHandle: true);

    /// <summary>To wait at, for <see cref="PollEvents.Readable"/>.</summary>
    public SafeHandle Handle => _set;

    /// <summary>Watches a descriptor until it is closed; false where the host has no room for that.</summary>
    /// <param name="handle">The descriptor.</param>
    /// <param name="key">By what its news is known.</param>
    public bool TryAdd(SafeHandle handle, ulong key)
    {
        ArgumentNullException.ThrowIfNull(handle);
        Entry entry = new() { Events = (uint)(PollEvents.Readable | PollEvents.Writable) | EdgeTriggered, Key = key };

        // SAFETY: the kernel reads one entry; the caller keeps the handle (PollSetTests).
        return Control((int)_set.DangerousGetHandle(), Insert, (int)handle.DangerousGetHandle(), &entry) == 0;
    }

    /// <summary>Takes what news there is, without waiting: how many. More may be there where all of <paramref name="news"/> was filled.</summary>
    public int Take(Span<PollReady> news)
    {
        int most = Math.Min(news.Length, MostAtOnce);
        Entry* entries = stackalloc Entry[MostAtOnce];

        // SAFETY: the kernel writes at most as many entries as there are.
        int count = Wait((int)_set.DangerousGetHandle(), entries, most, 0);
        for (int i = 0; i < count; i++)
        {
            news[i] = new PollReady(entries[i].Key, (PollEvents)(short)entries[i].Events);
        }

        return Math.Max(count, 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _set.Dispose();

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    private static partial int Control(int set, int operation, int descriptor, Entry* entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    private static partial int Wait(int set, Entry* entries, int most, int milliseconds);

    /// <summary>struct epoll_event, which has no padding on x86-64.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Entry
    {
        internal uint Events;
        internal ulong Key;
    }
}
