namespace Bulkhead.Images.Debian;

/// <summary>A package at the version the archive offers.</summary>
/// <param name="Name">The package's name.</param>
/// <param name="Version">Its version, as the archive writes it (an epoch included).</param>
/// <param name="Depends">The text of its Depends field; empty where it has none.</param>
internal sealed record DebianPackage(string Name, string Version, string Depends)
{
    /// <summary>The first dependency whose name starts with <paramref name="prefix"/>, or null.</summary>
    internal string? DependencyStartingWith(string prefix)
    {
        foreach (string dependency in Depends.Split([',', '|'], StringSplitOptions.TrimEntries))
        {
            if (dependency.StartsWith(prefix, StringComparison.Ordinal))
            {
                int end = dependency.IndexOfAny([' ', '(', ':']);
                return end < 0 ? dependency : dependency[..end];
            }
        }

        return null;
    }

    /// <summary>Reads the first stanza of what <c>apt-cache show</c> prints; null where there is none.</summary>
    internal static DebianPackage? Parse(string text)
    {
        string? name = null;
        string? version = null;
        string depends = string.Empty;
        foreach (string line in text.Split('\n'))
        {
            if (line.Length == 0)
            {
                if (name is not null)
                {
                    break;
                }

                continue;
            }

            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line[0] == ' ')
            {
                continue;
            }

            string value = line[(colon + 1)..].Trim();
            switch (line[..colon])
            {
                case "Package":
                    name = value;
                    break;
                case "Version":
                    version = value;
                    break;
                case "Depends":
                    depends = value;
                    break;
                default:
                    break;
            }
        }

        return name is null || version is null ? null : new DebianPackage(name, version, depends);
    }
}
