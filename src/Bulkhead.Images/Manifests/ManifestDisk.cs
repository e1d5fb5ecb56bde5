namespace Bulkhead.Images.Manifests;

/// <summary>The disk of an image.</summary>
/// <param name="File">The name of its file.</param>
/// <param name="Format">How the file holds it: <c>raw</c>.</param>
/// <param name="SizeBytes">The disk's size; the file has holes.</param>
/// <param name="Suite">The release of Debian on it.</param>
/// <param name="RootUuid">The root file system's own number.</param>
internal sealed record ManifestDisk(string File, string Format, long SizeBytes, string Suite, string RootUuid)
{
    /// <summary>The time that no file on it is younger than, in seconds since 1970.</summary>
    public long SourceDateEpoch { get; init; }

    /// <summary>The files of the public keys that let in as root by ssh.</summary>
    public IReadOnlyList<string> SshKeys { get; init; } = [];
}
