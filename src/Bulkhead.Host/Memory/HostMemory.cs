using System.Globalization;

namespace Bulkhead.Host.Memory;

/// <summary>How much memory the host has for this process, and where it says so.</summary>
/// <param name="Bytes">How much.</param>
/// <param name="Source">The file that says it.</param>
/// <param name="IsLimit">Whether that is the limit of a cgroup; else it is what is free, or could be, on the whole host.</param>
/// <remarks>The class library's figure (GCMemoryInfo) is no help: of the host it is all there is, taken or not, and of a cgroup three quarters.
/// <para><i>Source</i>: proc_meminfo(5), cgroups(7); Linux, admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst, "Memory Interface Files".</para></remarks>
public sealed record class HostMemory(ulong Bytes, string Source, bool IsLimit)
{
    /// <summary>The least of what the host and the cgroups of this process have; null where nobody says.</summary>
    /// <param name="root">Where the host's file systems stand.</param>
    public static HostMemory? Read(string root = "/")
    {
        HostMemory? least = Available(Path.Combine(root, "proc/meminfo"));
        foreach (string line in Lines(Path.Combine(root, "proc/self/cgroup")))
        {
            // NUMBER:CONTROLLERS:PATH; the second version names no controllers.
            string[] parts = line.Split(':', 3);
            (string folder, string file) = parts[1].Length == 0 ? ("sys/fs/cgroup", "memory.max") : ("sys/fs/cgroup/memory", "memory.limit_in_bytes");
            string? at = parts[1].Length == 0 || parts[1].Split(',').Contains("memory") ? parts[2].Trim('/') : null;
            for (; at is not null; at = Path.GetDirectoryName(at))
            {
                // A container may see its own cgroup as the root, or not at all; who has no limit says a word, or a number without end.
                string limit = Path.Combine(root, folder, at, file);
                if (ulong.TryParse(Lines(limit).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) && bytes < (least?.Bytes ?? long.MaxValue))
                {
                    least = new HostMemory(bytes, limit, IsLimit: true);
                }
            }
        }

        return least;
    }

    private static HostMemory? Available(string file)
    {
        string? line = Lines(file).FirstOrDefault(static l => l.StartsWith("MemAvailable:", StringComparison.Ordinal));
        return ulong.TryParse(line?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong kilobytes)
            ? new HostMemory(kilobytes << 10, file, IsLimit: false)
            : null;
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // it does not say
        }
    }
}
