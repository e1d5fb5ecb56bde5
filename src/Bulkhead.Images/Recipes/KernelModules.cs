using Bulkhead.Host;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Recipes;

/// <summary>Picks modules out of a kernel's package by their names.</summary>
internal static class KernelModules
{
    /// <summary>Where the guest has them, side by side.</summary>
    internal const string Folder = "lib/modules";

    // The second one is how newer Debian packages them; insmod unpacks it.
    private static readonly string[] s_endings = [".ko", ".ko.xz"];

    /// <summary>Whether a normalized path of the package is one of the modules.</summary>
    internal static bool IsWanted(string path, IReadOnlyList<string> names) =>
        path.StartsWith(Folder + "/", StringComparison.Ordinal) && names.Any(n => IsModule(path, n));

    /// <summary>The modules in the order of their names, as the guest has them.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where the package does not have one of them exactly once.</remarks>
    internal static IReadOnlyList<DebFile> Pick(IReadOnlyList<DebFile> files, IReadOnlyList<string> names) => [.. names.Select(n => Pick(files, n))];

    private static DebFile Pick(IReadOnlyList<DebFile> files, string name)
    {
        DebFile[] found = [.. files.Where(f => IsModule(f.Path, name) && f.LinkTarget is null)];
        return found.Length == 1
            ? found[0] with { Path = $"{Folder}/{Path.GetFileName(found[0].Path)}" }
            : throw new OperatorException($"The kernel's package holds {found.Length} modules {name}; one was expected.");
    }

    private static bool IsModule(string path, string name) => s_endings.Any(e => Path.GetFileName(path) == name + e);
}
