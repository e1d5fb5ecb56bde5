using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files.Trees;

/// <summary>A regular file or folder of a <see cref="FileTree"/> that is open.</summary>
/// <remarks><i>Errors</i>: every call returns an error number. <i>Threading</i>: one call at a time. Whoever opened it disposes it.</remarks>
public sealed unsafe class TreeFile : IDisposable
{
    /// <summary>Of the flags of open(2) those that count: to read, write or both, to cut it, and that every write is to reach stable storage.</summary>
    public const int Flags = 3 | TreeCalls.OpenTruncate | 0x101000;

    /// <summary>To write only.</summary>
    public const int WriteOnly = TreeCalls.OpenWriteOnly;

    /// <summary>To read and write.</summary>
    public const int ReadWrite = TreeCalls.OpenReadWrite;

    /// <summary>Whether it is cut.</summary>
    public const int Truncates = TreeCalls.OpenTruncate;

    private readonly SafeFileHandle _handle;

    internal TreeFile(SafeFileHandle handle) => _handle = handle;

    internal int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Reads what there is to know.</summary>
    public int Stat(out FileFacts facts) => TreePlace.Stat(Descriptor, [], TreeCalls.EmptyPath, out facts);

    /// <summary>Reads what there is to know of a name in this folder; of a symbolic link itself.</summary>
    public int StatChild(ReadOnlySpan<byte> name, out FileFacts facts) =>
        TreePlace.Stat(Descriptor, name, TreeCalls.SymlinkNoFollow | TreeCalls.NoAutomount, out facts);

    /// <summary>Reads; fewer bytes than asked for only at the end.</summary>
    public int Read(long offset, Span<byte> data, out int count)
    {
        count = 0;
        fixed (byte* d = data)
        {
            while (count < data.Length)
            {
                // SAFETY: the rest of the span (FileTreeTests).
                var rest = new MemoryRange(d + count, data.Length - count);
                nint n = FileCalls.ReadAt(Descriptor, &rest, 1, offset + count);
                if (n <= 0)
                {
                    int error = n == 0 ? Errno.None : Marshal.GetLastPInvokeError();
                    if (error == Errno.Interrupted)
                    {
                        continue;
                    }

                    return count > 0 ? Errno.None : error;
                }

                count += (int)n;
            }
        }

        return Errno.None;
    }

    /// <summary>Writes; fewer bytes than given where there is no room for more.</summary>
    public int Write(long offset, ReadOnlySpan<byte> data, out int count)
    {
        count = 0;
        fixed (byte* d = data)
        {
            while (count < data.Length)
            {
                // SAFETY: as in Read.
                var rest = new MemoryRange(d + count, data.Length - count);
                nint n = FileCalls.WriteAt(Descriptor, &rest, 1, offset + count);
                if (n <= 0)
                {
                    int error = n == 0 ? Errno.NoSpace : Marshal.GetLastPInvokeError();
                    if (error == Errno.Interrupted)
                    {
                        continue;
                    }

                    return count > 0 ? Errno.None : error;
                }

                count += (int)n;
            }
        }

        return Errno.None;
    }

    /// <summary>Cuts it, or makes it longer by bytes that read as zeros.</summary>
    public int SetLength(long length) => TreePlace.Result(FileCalls.Truncate(Descriptor, length));

    /// <summary>Changes who may do what.</summary>
    public int ChangeMode(uint mode) => TreePlace.Of(this).ChangeMode(mode);

    /// <summary>Brings what was written to stable storage; its times, too, or no more than it takes to read it again.</summary>
    public int Sync(bool dataOnly) => TreePlace.Result(dataOnly ? FileCalls.SyncData(Descriptor) : TreeCalls.Sync(Descriptor));

    /// <summary>Takes storage, or gives it back.</summary>
    /// <param name="mode">As fallocate(2) numbers it.</param>
    /// <param name="offset">From where on.</param>
    /// <param name="length">For how much.</param>
    public int Allocate(int mode, long offset, long length) => TreePlace.Result(FileCalls.Allocate(Descriptor, mode, offset, length));

    /// <summary>Finds the data, or the hole, that is nearest at or behind an offset.</summary>
    public int Find(bool hole, long offset, out long found)
    {
        found = FileCalls.Seek(Descriptor, offset, hole ? FileCalls.SeekHole : FileCalls.SeekData);
        return found >= 0 ? Errno.None : Marshal.GetLastPInvokeError();
    }

    /// <summary>Copies to another file.</summary>
    /// <param name="offset">From where on.</param>
    /// <param name="to">The file.</param>
    /// <param name="toOffset">Where to.</param>
    /// <param name="length">How many bytes.</param>
    /// <param name="count">How many were copied.</param>
    public int CopyRange(long offset, TreeFile to, long toOffset, int length, out int count)
    {
        ArgumentNullException.ThrowIfNull(to);

        // SAFETY: two numbers of this frame (FileTreeTests).
        count = (int)TreeCalls.CopyRange(Descriptor, &offset, to.Descriptor, &toOffset, (nuint)length, 0);
        return count >= 0 ? Errno.None : Marshal.GetLastPInvokeError();
    }

    /// <summary>Lists this folder from a place in it on.</summary>
    /// <param name="from">The place, 0 or one that an entry told.</param>
    /// <param name="entries">Filled with whole entries, as getdents64(2) lays them out; none at the end of the folder.</param>
    /// <param name="count">How many bytes were filled.</param>
    public int ReadFolder(long from, Span<byte> entries, out int count)
    {
        count = 0;
        if (FileCalls.Seek(Descriptor, from, 0) < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        fixed (byte* e = entries)
        {
            // SAFETY: the kernel writes at most the span (FileTreeTests).
            count = (int)TreeCalls.ReadFolder(Descriptor, e, (nuint)entries.Length);
        }

        return count >= 0 ? Errno.None : Marshal.GetLastPInvokeError();
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    internal int StatVolume(out VolumeFacts facts)
    {
        facts = default;
        fixed (VolumeFacts* to = &facts)
        {
            // SAFETY: the C library writes the 112 bytes of the structure (FileTreeTests).
            return TreePlace.Result(TreeCalls.StatVolume(Descriptor, to));
        }
    }

    internal int SyncVolume() => TreePlace.Result(TreeCalls.SyncVolume(Descriptor));
}
