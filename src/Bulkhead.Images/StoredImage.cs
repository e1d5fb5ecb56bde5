namespace Bulkhead.Images;

/// <summary>An image in the cache.</summary>
/// <param name="Recipe">The name of the recipe it was made by.</param>
/// <param name="Version">The version of the kernel's package, marked with those of all packages.</param>
/// <param name="Directory">The folder it lies in.</param>
/// <param name="MadeUtc">When it was made.</param>
/// <param name="DiskBytes">The size of its disk; 0 where it has none.</param>
/// <param name="IsCurrent">Whether it is the last one made by that name.</param>
public sealed record StoredImage(string Recipe, string Version, string Directory, DateTime MadeUtc, long DiskBytes, bool IsCurrent)
{
    /// <summary>The file that says what it is made of.</summary>
    public string ManifestPath => Path.Combine(Directory, Manifests.Manifest.FileName);
}
