using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <summary>A time of a file, since 1970; struct timespec.</summary>
/// <param name="Seconds">Whole seconds.</param>
/// <param name="Nanoseconds">Nanoseconds of the next one, or <see cref="Now"/> or <see cref="Unchanged"/>.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct FileMoment(long Seconds, long Nanoseconds)
{
    /// <summary>The host's time when it is set.</summary>
    public static readonly FileMoment Now = new(0, TreeCalls.NowNs);

    /// <summary>It stays as it is.</summary>
    public static readonly FileMoment Unchanged = new(0, TreeCalls.OmittedNs);
}
