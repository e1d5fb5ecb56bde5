using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>A file or folder that the guest has open.</summary>
/// <param name="Node">Which one.</param>
/// <param name="File">The host's side of it, or null where it could not be opened again after the machine was restored.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
/// <param name="Access">The flags it was opened with.</param>
internal sealed record ShareHandle(ShareNode Node, TreeFile? File, bool IsFolder, uint Access)
{
    /// <summary>Of the flags those that say whether it is read, written or both.</summary>
    internal const uint AccessBits = 3;

    /// <summary>Whether the file may be changed through it.</summary>
    internal bool IsWritable => (Access & AccessBits) != 0;
}
