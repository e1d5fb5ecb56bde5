using System.Globalization;
using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files;

/// <summary>The advisory locks by which users of a disk image keep out of each other's way: one writer, or readers.</summary>
/// <remarks>
/// The bytes are those that QEMU locks, so that its programs and ours refuse each other's images. Byte 100 + n is locked, shared, by
/// who does n; byte 200 + n by who does not bear n in others. The kernel drops them when the descriptor closes, however that comes.
/// <para><i>Source</i>: QEMU, docs/system/qemu-block-drivers, "Disk image file locking"; fcntl(2), "Open file description locks".</para>
/// </remarks>
internal static unsafe class ImageLock
{
    private const int DoneBase = 100;
    private const int RefusedBase = 200;
    private const int Reading = 0;
    private const int Writing = 1;
    private const int Resizing = 3;

    /// <summary>Takes the locks on an open descriptor, or says who has them.</summary>
    internal static void Take(int fd, string path, bool readOnly)
    {
        ReadOnlySpan<int> done = readOnly ? [Reading] : [Reading, Writing, Resizing];
        ReadOnlySpan<int> refused = [Writing, Resizing];
        bool free = true;
        foreach (int n in done)
        {
            free &= Share(fd, path, DoneBase + n);
        }

        foreach (int n in refused)
        {
            free &= Share(fd, path, RefusedBase + n);
        }

        foreach (int n in done)
        {
            free &= IsFree(fd, RefusedBase + n);
        }

        foreach (int n in refused)
        {
            free &= IsFree(fd, DoneBase + n);
        }

        if (!free)
        {
            string holder = Holder(path, fd) is { } name ? $"by {name}" : "by another program";
            string fix = readOnly ? "end that first" : "end that first, or open it with a snapshot overlay where both only read it";
            throw new OperatorException($"{path} is in use {holder}; {fix}.");
        }
    }

    /// <summary>Gives them back. Closing alone would leave them to a child process that was forked and has not executed its program yet.</summary>
    internal static void Release(int fd)
    {
        var record = new FileCalls.RecordLock { Kind = FileCalls.Unlocked, Start = DoneBase, Length = RefusedBase };

        // SAFETY: the structure lives on the stack for the call (BlockFileTests).
        _ = FileCalls.LockControl(fd, FileCalls.SetDescriptionLock, &record);
    }

    private static bool Share(int fd, string path, long at)
    {
        var record = new FileCalls.RecordLock { Kind = FileCalls.ReadLock, Start = at, Length = 1 };

        // SAFETY: the structure lives on the stack for the call (BlockFileTests).
        if (FileCalls.LockControl(fd, FileCalls.SetDescriptionLock, &record) == 0)
        {
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        return error is Errno.Again or Errno.Access
            ? false
            : throw new OperatorException($"{path} cannot be locked (errno {error}); put it on a file system with file locks, so that no two programs write it.");
    }

    private static bool IsFree(int fd, long at)
    {
        var record = new FileCalls.RecordLock { Kind = FileCalls.WriteLock, Start = at, Length = 1 };

        // SAFETY: as above.
        return FileCalls.LockControl(fd, FileCalls.GetDescriptionLock, &record) == 0 && record.Kind == FileCalls.Unlocked;
    }

    // The kernel does not say whose a lock of a description is, but shows each process the locks of its descriptors.
    private static string? Holder(string path, int own)
    {
        string full = Path.GetFullPath(path);
        if (!Directory.Exists("/proc"))
        {
            return null; // not mounted
        }

        foreach (string process in Directory.EnumerateDirectories("/proc").Where(static p => char.IsAsciiDigit(p[6])))
        {
            try
            {
                foreach (FileInfo link in new DirectoryInfo(process + "/fd").EnumerateFiles())
                {
                    int id = int.Parse(process[6..], CultureInfo.InvariantCulture);
                    bool ours = id == Environment.ProcessId && link.Name == own.ToString(CultureInfo.InvariantCulture);
                    if (!ours && link.LinkTarget == full && File.ReadAllText($"{process}/fdinfo/{link.Name}").Contains("OFDLCK", StringComparison.Ordinal))
                    {
                        return id == Environment.ProcessId ? "this process, for another disk" : $"process {id} ({File.ReadAllText(process + "/comm").Trim()})";
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended, or belongs to somebody else.
                continue;
            }
        }

        return null;
    }
}
