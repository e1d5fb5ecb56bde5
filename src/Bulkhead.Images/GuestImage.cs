namespace Bulkhead.Images;

/// <summary>A guest image ready to boot: files that stay as they are for as long as the cache exists.</summary>
/// <param name="Recipe">The name of the recipe it was made by.</param>
/// <param name="Version">The version of the kernel's package.</param>
/// <param name="KernelPath">The absolute path of the bzImage.</param>
/// <param name="InitrdPath">The absolute path of the initramfs.</param>
public sealed record GuestImage(string Recipe, string Version, string KernelPath, string InitrdPath)
{
    /// <summary>Words its kernel needs on its command line, such as where the root file system is; empty where it needs none.</summary>
    public string Append { get; init; } = string.Empty;

    /// <summary>The absolute path of the disk it starts from, in raw format; null where it has none.</summary>
    public string? DiskPath { get; init; }

    /// <summary>Whether the disk belongs to one domain, which may write it. The cache's never does: it is for all.</summary>
    public bool IsPrivate { get; init; }

    /// <summary>The private keys' files, as far as they are here, that the image lets in as root by ssh.</summary>
    public IReadOnlyList<string> SshKeyPaths { get; init; } = [];
}
