namespace Bulkhead.Images.Recipes;

/// <summary>What a recipe says of the disk an image starts from.</summary>
/// <param name="Suite">Debian's release, by its code name.</param>
/// <param name="SizeBytes">The size of the disk.</param>
internal sealed record DiskRecipe(string Suite, long SizeBytes)
{
    /// <summary>The packages a boot loader is made of.</summary>
    internal static readonly string[] LoaderPackages = ["grub-pc-bin", "grub-efi-amd64-bin"];

    /// <summary>Lines of apt's list of sources, or addresses of mirrors; none for Debian's own.</summary>
    internal IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>The machine's name.</summary>
    internal required string Hostname { get; init; }

    /// <summary>root's password, or null where root has none and no console lets it in.</summary>
    internal string? RootPassword { get; init; }

    /// <summary>Whether firmware can start it by itself: a boot loader is on it, for BIOS and UEFI.</summary>
    internal bool Bootable { get; init; }

    /// <summary>Files it has besides those of its packages, by their absolute paths.</summary>
    internal IReadOnlyList<(string Path, string Content)> Files { get; init; } = [];

    /// <summary>What a shell runs in it, as root, when the packages are installed and the files are there.</summary>
    internal IReadOnlyList<string> Commands { get; init; } = [];
}
