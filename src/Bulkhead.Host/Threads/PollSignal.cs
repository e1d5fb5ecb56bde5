using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Threads;

/// <summary>News of this process itself for a <see cref="PollSet"/>; any thread raises it.</summary>
/// <remarks><i>Shape</i>: an eventfd that nobody reads: each write is news by itself, since the set is edge-triggered.</remarks>
public sealed unsafe partial class PollSignal : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;

    private readonly SafeFileHandle _event = new(EventFd(0, CloseOnExec | NonBlocking), ownsHandle: true);

    /// <summary>What the set watches.</summary>
    public SafeHandle Handle => _event;

    /// <summary>There is news.</summary>
    public void Raise()
    {
        ulong one = 1;

        // SAFETY: eight bytes of this frame are read; the handle counts its users (PollSignalTests).
        _ = Write(_event, &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose() => _event.Dispose();

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventFd(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle descriptor, void* buffer, nuint length);
}
