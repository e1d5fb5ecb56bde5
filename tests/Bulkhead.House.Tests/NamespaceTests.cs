using System.Text.RegularExpressions;
using Xunit;

namespace Bulkhead.House.Tests;

public sealed partial class NamespaceTests
{
    [Fact]
    public void Namespaces_OfSources_AreTheirFolders()
    {
        var wrong = new List<string>();
        foreach (string file in Repository.Sources("src").Concat(Repository.Sources("tests")).Where(f => HasTypes(f)))
        {
            string expected = FolderNamespace(file);
            string? actual = NamespaceOf(file);
            if (actual != expected)
            {
                wrong.Add($"{file}: {actual ?? "none"}, should be {expected}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Namespaces_WithinAnAssembly_HaveNoCycle()
    {
        var wrong = new List<string>();
        foreach (string project in Repository.Files("src", "*.csproj"))
        {
            ILookup<string, string> files = Repository.Sources(Path.GetDirectoryName(project) ?? string.Empty)
                .Where(f => NamespaceOf(f) is not null)
                .ToLookup(FolderNamespace);
            Dictionary<string, IEnumerable<string>> graph = files.ToDictionary(
                g => g.Key,
                g => g.SelectMany(UsedNamespaces).Where(u => files.Contains(u) && u != g.Key).Distinct());
            wrong.AddRange(Cycles.Find(graph));
        }

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("a: b; b: c; c: a", "a -> b -> c -> a")]
    [InlineData("a: b c; b: c; c:", null)]
    public void Find_Graph_NamesTheCycle(string text, string? expected)
    {
        var graph = text.Split("; ").Select(l => l.Split(':')).ToDictionary(
            l => l[0],
            l => (IEnumerable<string>)l[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(expected, Cycles.Find(graph).SingleOrDefault());
    }

    private static bool HasTypes(string file) => Path.GetFileName(file) is not ("Program.cs" or "AssemblyInfo.cs" or "GlobalUsings.cs");

    private static string FolderNamespace(string file)
    {
        string folder = Path.GetDirectoryName(file) ?? string.Empty;
        return folder[(folder.IndexOf('/', StringComparison.Ordinal) + 1)..].Replace('/', '.');
    }

    private static string? NamespaceOf(string file)
    {
        Match match = NamespaceLine().Match(SourceText.CodeOf(Repository.Read(file)));
        return match.Success ? match.Groups[1].Value : null;
    }

    private static IEnumerable<string> UsedNamespaces(string file) =>
        UsingLine().Matches(SourceText.CodeOf(Repository.Read(file))).Select(m => m.Groups[1].Value);

    [GeneratedRegex(@"^namespace\s+([\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^(?:global\s+)?using\s+([\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex UsingLine();
}
