namespace Bulkhead.Devices.Backends.Files;

/// <summary>Where a node was seen.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Name">Its name there.</param>
internal readonly record struct SharePlace(ShareNode Folder, byte[] Name)
{
    /// <summary>Whether it is this one.</summary>
    internal bool Is(ShareNode folder, scoped ReadOnlySpan<byte> name) => Folder == folder && name.SequenceEqual(Name);
}
