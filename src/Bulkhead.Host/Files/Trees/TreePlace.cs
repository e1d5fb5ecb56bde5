using System.Buffers.Text;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files.Trees;

/// <summary>Something in a <see cref="FileTree"/> that was reached: it stays the same whatever its name is given to.</summary>
/// <remarks>
/// <para><i>Shape</i>: a descriptor that stands for the file without opening it (O_PATH), given back by <see cref="Dispose"/>. What the kernel
/// does not do by such a descriptor goes by its link in /proc, which leads to that very file.</para>
/// <para><i>Errors</i>: every call returns an error number. <i>Cost</i>: nothing is allocated but what is opened. Names have no slash, and are
/// neither <c>.</c> nor <c>..</c>: that is the caller's to see to.</para>
/// </remarks>
public readonly unsafe ref partial struct TreePlace
{
    private const ulong Within = TreeCalls.ResolveBeneath | TreeCalls.ResolveNoSymlinks | TreeCalls.ResolveNoMagicLinks | TreeCalls.ResolveOneMount;
    private const int NameRoom = FileTree.MostNameBytes + 1;
    private const int LinkRoom = 32;

    private readonly int _fd;
    private readonly bool _isOwned;

    private TreePlace(int fd, bool isOwned) => (_fd, _isOwned) = (fd, isOwned);

    /// <summary>What a file that is open is; the file stays the caller's.</summary>
    public static TreePlace Of(TreeFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new TreePlace(file.Descriptor, isOwned: false);
    }

    /// <summary>Reads what there is to know.</summary>
    public int Stat(out FileFacts facts) => Stat(_fd, [], TreeCalls.EmptyPath, out facts);

    /// <summary>Reads what there is to know of a name in this folder; of a symbolic link itself.</summary>
    public int StatChild(ReadOnlySpan<byte> name, out FileFacts facts) => Stat(_fd, name, TreeCalls.SymlinkNoFollow | TreeCalls.NoAutomount, out facts);

    /// <summary>Finds a name in this folder; the caller disposes it.</summary>
    public int ReachChild(scoped ReadOnlySpan<byte> name, out TreePlace place) => Reach(_fd, name, out place);

    /// <summary>Opens a regular file; nothing else is opened.</summary>
    /// <param name="access">To read, write or both, and how: flags as open(2) numbers them, of which those of <see cref="TreeFile.Flags"/> count.</param>
    /// <param name="file">The file; the caller disposes it.</param>
    public int Open(int access, out TreeFile? file)
    {
        file = null;
        int error = Stat(out FileFacts facts);
        if (error != Errno.None || facts.Kind != FileKind.Regular)
        {
            return error != Errno.None ? error : facts.Kind == FileKind.Folder ? Errno.IsDirectory : Errno.NoDevice;
        }

        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        return Opened(TreeCalls.OpenAt(TreeCalls.CurrentFolder, link, (access & TreeFile.Flags) | TreeCalls.OpenCloseOnExec | TreeCalls.OpenNoTerminal, 0), out file);
    }

    /// <summary>Opens this folder, to be listed; the caller disposes it.</summary>
    public int OpenFolder(out TreeFile? folder)
    {
        fixed (byte* path = "."u8)
        {
            // SAFETY: a constant string, which ends with a 0 (FileTreeTests).
            return Opened(TreeCalls.OpenAt(_fd, path, TreeCalls.OpenFolder | TreeCalls.OpenCloseOnExec, 0), out folder);
        }
    }

    /// <summary>Makes a regular file that is not there, and opens it; the caller disposes it.</summary>
    public int Create(ReadOnlySpan<byte> name, int access, uint mode, out TreeFile? file)
    {
        file = null;
        byte* n = stackalloc byte[NameRoom];
        const int always = TreeCalls.OpenCreate | TreeCalls.OpenExclusive | TreeCalls.OpenNoFollow | TreeCalls.OpenCloseOnExec | TreeCalls.OpenNoTerminal;
        return Terminate(name, n) is var error and not Errno.None ? error
            : Opened(TreeCalls.OpenAt(_fd, n, (access & TreeFile.Flags & ~TreeCalls.OpenTruncate) | always, mode), out file);
    }

    /// <summary>Makes a folder.</summary>
    public int MakeFolder(ReadOnlySpan<byte> name, uint mode)
    {
        byte* n = stackalloc byte[NameRoom];
        return Terminate(name, n) is var error and not Errno.None ? error : Result(TreeCalls.MakeFolder(_fd, n, mode));
    }

    /// <summary>Makes a pipe or a socket.</summary>
    public int MakeNode(ReadOnlySpan<byte> name, FileKind kind, uint mode)
    {
        byte* n = stackalloc byte[NameRoom];
        return kind is not (FileKind.Pipe or FileKind.Socket) ? Errno.NotPermitted
            : Terminate(name, n) is var error and not Errno.None ? error : Result(TreeCalls.MakeNode(_fd, n, (uint)kind | mode, 0));
    }

    /// <summary>Makes a symbolic link.</summary>
    public int MakeSymbolicLink(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target)
    {
        byte* n = stackalloc byte[NameRoom];
        byte* t = stackalloc byte[FileTree.MostPathBytes + 1];
        return Terminate(name, n) is var error and not Errno.None ? error
            : Terminate(target, t, FileTree.MostPathBytes) is var bad and not Errno.None ? bad : Result(TreeCalls.MakeSymbolicLink(t, _fd, n));
    }

    /// <summary>Removes a name, of a folder or of something else.</summary>
    public int Unlink(ReadOnlySpan<byte> name, bool folder)
    {
        byte* n = stackalloc byte[NameRoom];
        return Terminate(name, n) is var error and not Errno.None ? error : Result(TreeCalls.Unlink(_fd, n, folder ? TreeCalls.RemoveFolder : 0));
    }

    /// <summary>Gives what has a name in this folder another one.</summary>
    /// <param name="name">The name.</param>
    /// <param name="to">The folder of the new one.</param>
    /// <param name="toName">The new one.</param>
    /// <param name="flags">As renameat2(2) numbers them.</param>
    public int Rename(ReadOnlySpan<byte> name, TreePlace to, ReadOnlySpan<byte> toName, uint flags)
    {
        byte* n = stackalloc byte[NameRoom];
        byte* t = stackalloc byte[NameRoom];
        return Terminate(name, n) is var error and not Errno.None ? error
            : Terminate(toName, t) is var bad and not Errno.None ? bad : Result(TreeCalls.Rename(_fd, n, to._fd, t, flags));
    }

    /// <summary>Gives this one more name, in a folder.</summary>
    public int Link(TreePlace folder, ReadOnlySpan<byte> name)
    {
        byte* n = stackalloc byte[NameRoom];
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        return Terminate(name, n) is var error and not Errno.None ? error
            : Result(TreeCalls.Link(TreeCalls.CurrentFolder, link, folder._fd, n, TreeCalls.SymlinkFollow));
    }

    /// <summary>Reads where this symbolic link leads.</summary>
    public int ReadLink(Span<byte> target, out int count)
    {
        byte end = 0;
        fixed (byte* t = target)
        {
            // SAFETY: the kernel writes at most the span; the path is empty (FileTreeTests).
            count = (int)TreeCalls.ReadLink(_fd, &end, t, (nuint)target.Length);
        }

        return count >= 0 ? Errno.None : Marshal.GetLastPInvokeError();
    }

    /// <summary>Changes who may do what; not of a symbolic link.</summary>
    public int ChangeMode(uint mode)
    {
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        return Result(TreeCalls.ChangeMode(TreeCalls.CurrentFolder, link, mode, 0));
    }

    /// <summary>Changes times.</summary>
    public int SetTimes(FileMoment access, FileMoment write)
    {
        byte end = 0;
        FileMoment* times = stackalloc FileMoment[2];
        (times[0], times[1]) = (access, write);

        // SAFETY: the kernel reads two times; the path is empty (FileTreeTests).
        return Result(TreeCalls.SetTimes(_fd, &end, times, TreeCalls.EmptyPath));
    }

    /// <summary>Whether this process may do something, as access(2) numbers it.</summary>
    public int CheckAccess(int mask)
    {
        byte* link = stackalloc byte[LinkRoom];
        WriteLink(link);
        return Result(TreeCalls.CheckAccess(TreeCalls.CurrentFolder, link, mask & 7, 0));
    }

    /// <summary>Gives the descriptor back.</summary>
    public void Dispose()
    {
        if (_isOwned)
        {
            _ = TreeCalls.Close(_fd);
        }
    }

    internal static int Reach(int from, scoped ReadOnlySpan<byte> path, out TreePlace place)
    {
        place = default;
        byte* p = stackalloc byte[FileTree.MostPathBytes + 1];
        if (Terminate(path, p, FileTree.MostPathBytes) is var error and not Errno.None)
        {
            return error;
        }

        TreeCalls.OpenHow how = new() { Flags = TreeCalls.OpenPath | TreeCalls.OpenNoFollow | TreeCalls.OpenCloseOnExec, Resolve = Within };

        // SAFETY: the kernel reads the string, which ends with a 0, and the structure of the size given (FileTreeTests).
        int fd = (int)TreeCalls.OpenAt(TreeCalls.OpenAtNumber, from, p, &how, (nuint)sizeof(TreeCalls.OpenHow));
        if (fd < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        place = new TreePlace(fd, isOwned: true);
        return Errno.None;
    }

    internal static int Stat(int fd, ReadOnlySpan<byte> name, int flags, out FileFacts facts)
    {
        byte* n = stackalloc byte[NameRoom];
        facts = default;
        if (Terminate(name, n) is var error and not Errno.None)
        {
            return error;
        }

        fixed (FileFacts* to = &facts)
        {
            // SAFETY: the kernel writes the 256 bytes of the structure (FileTreeTests).
            return Result(TreeCalls.Stat(fd, n, flags, TreeCalls.StatBasic, to));
        }
    }

    internal static int Result(int result) => result >= 0 ? Errno.None : Marshal.GetLastPInvokeError();

    // A 0 in it would end it early.
    private static int Terminate(ReadOnlySpan<byte> name, byte* buffer, int most = FileTree.MostNameBytes)
    {
        if (name.Length > most || name.Contains((byte)0))
        {
            return name.Length > most ? Errno.NameTooLong : Errno.Invalid;
        }

        // SAFETY: every caller's buffer has room for the most and a 0 (FileTreeTests).
        var to = new Span<byte>(buffer, name.Length + 1);
        name.CopyTo(to);
        to[^1] = 0;
        return Errno.None;
    }

    private static int Opened(int fd, out TreeFile? file)
    {
        file = fd < 0 ? null : new TreeFile(new SafeFileHandle(fd, ownsHandle: true));
        return fd < 0 ? Marshal.GetLastPInvokeError() : Errno.None;
    }

    private void WriteLink(byte* buffer)
    {
        // SAFETY: every caller's buffer has that much room, which 14 bytes, a number of at most 10 digits and a 0 do not fill (FileTreeTests).
        var to = new Span<byte>(buffer, LinkRoom);
        to.Clear();
        "/proc/self/fd/"u8.CopyTo(to);
        _ = Utf8Formatter.TryFormat(_fd, to[14..], out _);
    }
}
