using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>Which file it is, whatever its names are.</summary>
/// <param name="Volume">Its file system.</param>
/// <param name="Inode">Its number there, which the host gives to another file when this one is gone.</param>
/// <param name="Kind">What it is.</param>
internal readonly record struct FileIdentity(ulong Volume, ulong Inode, FileKind Kind)
{
    /// <summary>That of a file.</summary>
    internal static FileIdentity Of(in FileFacts facts) => new(facts.Volume, facts.Inode, facts.Kind);
}
