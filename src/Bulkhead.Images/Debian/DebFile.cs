namespace Bulkhead.Images.Debian;

/// <summary>A file or a symbolic link out of a package.</summary>
/// <param name="Path">Its path without a leading slash, and without <c>usr/</c>: both layouts of the file system read alike.</param>
/// <param name="Content">The bytes of a file; empty for a link.</param>
/// <param name="LinkTarget">Where a symbolic link points; null for a file.</param>
internal sealed record DebFile(string Path, byte[] Content, string? LinkTarget);
