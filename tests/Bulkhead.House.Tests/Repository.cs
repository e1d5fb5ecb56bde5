namespace Bulkhead.House.Tests;

/// <summary>The working tree these tests look at.</summary>
internal static class Repository
{
    internal static string Root { get; } = FindRoot();

    /// <summary>The C# files below a folder, with paths from the root.</summary>
    internal static IEnumerable<string> Sources(string folder) => Files(folder, "*.cs");

    /// <summary>The files below a folder that match a pattern, with paths from the root; none where the folder is not there.</summary>
    internal static IEnumerable<string> Files(string folder, string pattern)
    {
        string path = Path.Combine(Root, folder);
        return Directory.Exists(path)
            ? Directory.EnumerateFiles(path, pattern, SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(Root, f))
                .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
            : [];
    }

    internal static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The lines of a list file, without comments and empty ones.</summary>
    internal static IReadOnlyList<string> List(string path) =>
        [.. File.ReadLines(Path.Combine(Root, path)).Select(l => l.Split('#')[0].Trim()).Where(l => l.Length > 0)];

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "layers.txt")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the working tree.");
    }
}
