using System.IO.Hashing;
using System.Text;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Recipes;

/// <summary>How a guest image is made from packages.</summary>
/// <param name="Name">The name an operator types.</param>
/// <param name="KernelPackage">The package that depends on the newest kernel.</param>
/// <param name="Packages">The other packages it is made of.</param>
internal sealed record Recipe(string Name, string KernelPackage, IReadOnlyList<string> Packages)
{
    // Raise when a maker lays out the same recipe differently.
    private const int LayoutVersion = 3;
    private const int HashLength = 12;

    /// <summary>Of an initramfs, the dynamic programs it carries, with the libraries they need.</summary>
    internal IReadOnlyList<string> Programs { get; init; } = [];

    /// <summary>The disk its root file system is on; null where that is an initramfs.</summary>
    internal DiskRecipe? Disk { get; init; }

    /// <summary>The recipe as it was written.</summary>
    internal required string Text { get; init; }

    /// <summary>A short name for what the recipe makes, other than the packages.</summary>
    /// <param name="parts">What else goes into the image.</param>
    internal string Hash(ReadOnlySpan<byte> parts)
    {
        XxHash128 hash = new();
        hash.Append(Encoding.UTF8.GetBytes($"{LayoutVersion}\n{Name}\n{Text}\n"));
        hash.Append(parts);
        return Convert.ToHexStringLower(hash.GetCurrentHash())[..HashLength];
    }

    /// <summary>The kernel's version, marked with the versions of all the packages together.</summary>
    /// <param name="packages">The packages, the kernel's first.</param>
    internal static string VersionOf(IReadOnlyList<DebianPackage> packages)
    {
        string all = string.Join('\n', packages.Select(p => $"{p.Name} {p.Version}"));
        string mark = Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(all)))[..6];
        return $"{packages[0].Version}.{mark}";
    }
}
