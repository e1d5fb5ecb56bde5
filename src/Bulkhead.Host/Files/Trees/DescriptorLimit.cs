using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <summary>How many files this process may have open.</summary>
public static unsafe partial class DescriptorLimit
{
    private const int OpenFiles = 7;

    /// <summary>The most at a time.</summary>
    public static long Most
    {
        get
        {
            ulong* limits = stackalloc ulong[2]; // now, and at most

            // SAFETY: the kernel writes two numbers (FileTreeTests).
            return GetLimit(OpenFiles, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ulong* limits);
}
