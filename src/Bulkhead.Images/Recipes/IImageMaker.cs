using Bulkhead.Images.Debian;
using Bulkhead.Images.Manifests;

namespace Bulkhead.Images.Recipes;

/// <summary>Makes images of one recipe.</summary>
internal interface IImageMaker
{
    /// <summary>What the image depends on besides its packages.</summary>
    string Hash { get; }

    /// <summary>Finds what the archive offers now; the kernel's package is the first.</summary>
    /// <param name="refresh">Ask the archive, even where the host has a list of what it offers.</param>
    IReadOnlyList<DebianPackage> Resolve(bool refresh);

    /// <summary>Makes the image's files in a directory and says what they are.</summary>
    Manifest Build(IReadOnlyList<DebianPackage> packages, string directory);
}
