using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Files.Trees;

/// <summary>A folder and everything in it, for somebody who must not get out of it.</summary>
/// <remarks>
/// <para>What is in it is reached by its path from the folder on, which the kernel walks within the folder: no <c>..</c>, no symbolic link and no
/// mount on the way is followed, whatever others rename meanwhile. What is reached is not opened by that: a device or a pipe notices nothing.</para>
/// <para><i>Errors</i>: opening throws <see cref="OperatorException"/>; afterwards every call returns an error number.
/// <i>Threading</i>: any. The creator disposes it. <i>Source</i>: Linux man-pages, openat2(2).</para>
/// </remarks>
public sealed unsafe class FileTree : IDisposable
{
    /// <summary>The most bytes of a path in it.</summary>
    public const int MostPathBytes = 4095;

    /// <summary>The most bytes of a name.</summary>
    public const int MostNameBytes = 255;

    private readonly SafeFileHandle _root;

    private FileTree(SafeFileHandle root, uint hiddenRights) => (_root, HiddenRights) = (root, hiddenRights);

    /// <summary>The rights this process takes from what it creates (its umask).</summary>
    public uint HiddenRights { get; }

    /// <summary>Opens a folder.</summary>
    public static FileTree Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        int fd = FileCalls.Open(path, TreeCalls.OpenPath | TreeCalls.OpenFolder | TreeCalls.OpenCloseOnExec, 0);
        if (fd < 0)
        {
            throw new OperatorException(Marshal.GetLastPInvokeError() switch
            {
                Errno.NoEntry => $"{path}: there is no such folder; give the path of one.",
                Errno.NotDirectory => $"{path} is no folder; give the path of one.",
                Errno.Access => $"{path} may not be entered by this user; change its owner or mode.",
                int error => $"{path} cannot be opened (errno {error}).",
            });
        }

        var tree = new FileTree(new SafeFileHandle(fd, ownsHandle: true), ReadHiddenRights());
        int reached = tree.Reach([], out TreePlace root);
        using (root)
        {
            if (reached == Errno.None && root.OpenFolder(out TreeFile? folder) == Errno.None && folder is not null)
            {
                folder.Dispose();
                return tree;
            }
        }

        tree.Dispose();
        throw new OperatorException(reached is Errno.NoSuchCall or Errno.NotPermitted
            ? $"{path} cannot be shared: the kernel does not know or allow openat2 (Linux 5.6); without it nobody can be kept inside a folder."
            : $"{path} may not be read by this user; change its owner or mode.");
    }

    /// <summary>Finds what stands at a path; the caller disposes it.</summary>
    /// <param name="path">Names with slashes between them; empty: the folder itself.</param>
    /// <param name="place">What stands there; a symbolic link is reached itself.</param>
    public int Reach(scoped ReadOnlySpan<byte> path, out TreePlace place) => TreePlace.Reach((int)_root.DangerousGetHandle(), path.IsEmpty ? "."u8 : path, out place);

    /// <summary>How much room there is.</summary>
    public int StatVolume(out VolumeFacts facts)
    {
        int error = Reopen(out TreeFile? root);
        facts = default;
        using (root)
        {
            return root is null ? error : root.StatVolume(out facts);
        }
    }

    /// <summary>Brings all that was written to the folder's file system to stable storage.</summary>
    public int SyncVolume()
    {
        int error = Reopen(out TreeFile? root);
        using (root)
        {
            return root is null ? error : root.SyncVolume();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    private int Reopen(out TreeFile? root)
    {
        root = null;
        int error = Reach([], out TreePlace place);
        using (place)
        {
            return error != Errno.None ? error : place.OpenFolder(out root);
        }
    }

    // Asking the kernel for it otherwise means to change it, which other threads would notice.
    private static uint ReadHiddenRights()
    {
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(static l => l.StartsWith("Umask:", StringComparison.Ordinal));
        return line is null ? 0x1ff : Convert.ToUInt32(line["Umask:".Length..].Trim(), 8);
    }
}
