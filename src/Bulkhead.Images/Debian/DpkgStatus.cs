namespace Bulkhead.Images.Debian;

/// <summary>Reads dpkg's own list of what is installed.</summary>
internal static class DpkgStatus
{
    /// <summary>Where the list lies in a system, without a leading slash.</summary>
    internal const string Path = "var/lib/dpkg/status";

    /// <summary>The packages that are installed, in the order of their names.</summary>
    internal static IReadOnlyList<DebianPackage> Read(string text) =>
    [
        .. text.Split("\n\n")
            .Where(static stanza => stanza.Contains("\nStatus: install ok installed\n", StringComparison.Ordinal))
            .Select(DebianPackage.Parse)
            .OfType<DebianPackage>()
            .OrderBy(static p => p.Name, StringComparer.Ordinal),
    ];
}
