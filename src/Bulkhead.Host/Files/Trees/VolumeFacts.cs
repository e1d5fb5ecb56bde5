using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <summary>How much room a file system has; struct statvfs.</summary>
/// <remarks><i>Source</i>: Linux man-pages, statvfs(3).</remarks>
[StructLayout(LayoutKind.Explicit, Size = 112)]
public readonly struct VolumeFacts
{
    /// <summary>The unit in which files are best read.</summary>
    [field: FieldOffset(0)]
    public ulong BlockBytes { get; }

    /// <summary>The unit of the numbers of blocks.</summary>
    [field: FieldOffset(8)]
    public ulong UnitBytes { get; }

    /// <summary>How many blocks there are.</summary>
    [field: FieldOffset(16)]
    public ulong Blocks { get; }

    /// <summary>How many are free.</summary>
    [field: FieldOffset(24)]
    public ulong FreeBlocks { get; }

    /// <summary>How many of them whoever is not root may take.</summary>
    [field: FieldOffset(32)]
    public ulong AvailableBlocks { get; }

    /// <summary>How many files there can be.</summary>
    [field: FieldOffset(40)]
    public ulong Files { get; }

    /// <summary>How many more.</summary>
    [field: FieldOffset(48)]
    public ulong FreeFiles { get; }

    /// <summary>The most bytes of a name.</summary>
    [field: FieldOffset(80)]
    public ulong MostNameBytes { get; }
}
