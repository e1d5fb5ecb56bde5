using System.IO.Hashing;
using System.Text;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Recipes;

/// <summary>How a guest image is made from packages.</summary>
/// <param name="Name">The name an operator types.</param>
/// <param name="KernelPackage">The package that depends on the newest kernel.</param>
/// <param name="Packages">The other packages files are taken from.</param>
/// <param name="Programs">Dynamic programs the initramfs carries, with the libraries they need.</param>
internal sealed record Recipe(string Name, string KernelPackage, IReadOnlyList<string> Packages, IReadOnlyList<string> Programs)
{
    /// <summary>The package the static busybox comes from; it is the first after the kernel.</summary>
    internal const string BusyboxPackage = "busybox-static";

    /// <summary>The kernel's modules the initramfs carries: what the power button takes, which Debian's kernels do not have built in.</summary>
    internal static readonly IReadOnlyList<string> Modules = ["button", "evdev"];

    // Raise when the builder lays out the same recipe differently.
    private const int LayoutVersion = 2;
    private const int HashLength = 12;

    /// <summary>A short name for what the recipe makes, other than the packages: the scripts, the programs, the modules, the layout.</summary>
    internal string Hash() => Hash(GuestScripts.Bytes);

    internal string Hash(ReadOnlySpan<byte> scripts)
    {
        XxHash128 hash = new();
        hash.Append(Encoding.UTF8.GetBytes($"{LayoutVersion}\n{Name}\n{KernelPackage}\n{string.Join(' ', Packages)}\n{string.Join(' ', Programs)}\n{string.Join(' ', Modules)}\n"));
        hash.Append(scripts);
        return Convert.ToHexStringLower(hash.GetCurrentHash())[..HashLength];
    }

    /// <summary>Finds what the archive offers: the kernel's package first, then the others in order.</summary>
    internal IReadOnlyList<DebianPackage> Resolve(AptArchive apt, bool refresh)
    {
        DebianPackage meta = apt.Find(KernelPackage, refresh);
        string kernel = meta.DependencyStartingWith("linux-image-") ?? meta.Name;
        return [apt.Find(kernel, refresh: false), .. Packages.Select(p => apt.Find(p, refresh: false))];
    }

    /// <summary>The kernel's version, marked with the versions of all the packages together.</summary>
    internal static string VersionOf(IReadOnlyList<DebianPackage> packages)
    {
        string all = string.Join('\n', packages.Select(p => $"{p.Name} {p.Version}"));
        string mark = Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(all)))[..6];
        return $"{packages[0].Version}.{mark}";
    }
}
