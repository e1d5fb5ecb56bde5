using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files;

/// <summary>Operations on paths the class library has no exact word for.</summary>
public static partial class HostFile
{
    /// <summary>Renames a file or a link, not what the link points to, over whatever stood at the target, in one step.</summary>
    public static void Rename(string from, string to)
    {
        if (RenameCore(from, to) != 0)
        {
            throw new OperatorException($"{from} could not be renamed to {to} (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameCore(string from, string to);
}
