namespace Bulkhead.Images;

/// <summary>An image asked for.</summary>
/// <param name="Recipe">One of <see cref="ImageStore.RecipeNames"/>, or the path of a recipe.</param>
public sealed record ImageRequest(string Recipe)
{
    /// <summary>Ask the package archive for newer packages first.</summary>
    public bool Update { get; init; }

    /// <summary>Files of public keys that a disk image lets in by ssh; null for the user's own for such guests.</summary>
    public IReadOnlyList<string>? SshKeyPaths { get; init; }
}
