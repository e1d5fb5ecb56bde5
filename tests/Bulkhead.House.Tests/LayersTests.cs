using System.Xml.Linq;
using Xunit;

namespace Bulkhead.House.Tests;

public sealed class LayersTests
{
    [Fact]
    public void Projects_ReferenceOthers_OnlyThoseTheirLayerAllows()
    {
        Dictionary<string, string[]> allowed = ReadLayers();
        var wrong = new List<string>();
        foreach (string project in Repository.Files("src", "*.csproj").Concat(Repository.Files("guest", "*.csproj")))
        {
            string name = ShortName(project);
            if (!allowed.TryGetValue(name, out string[]? bound))
            {
                wrong.Add($"{project}: {name} is not in layers.txt");
                continue;
            }

            wrong.AddRange(References(project).Where(r => !bound.Contains(r)).Select(r => $"{project}: {name} may not reference {r}"));
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Layers_AsWritten_HaveNoCycle()
    {
        Dictionary<string, IEnumerable<string>> graph = ReadLayers().ToDictionary(l => l.Key, l => (IEnumerable<string>)l.Value);

        Assert.Empty(Cycles.Find(graph));
    }

    [Fact]
    public void Solution_AsWritten_NamesEveryProject()
    {
        string solution = Repository.Read("Bulkhead.slnx");
        IEnumerable<string> projects = Repository.Files("src", "*.csproj").Concat(Repository.Files("tests", "*.csproj"));

        Assert.All(projects, p => Assert.Contains($"\"{p}\"", solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Projects_NamePackages_WithoutVersions()
    {
        IEnumerable<string> wrong = Repository.Files("src", "*.csproj").Concat(Repository.Files("tests", "*.csproj"))
            .Where(p => XDocument.Parse(Repository.Read(p)).Descendants("PackageReference").Any(r => r.Attribute("Version") is not null));

        Assert.Empty(wrong);
    }

    private static Dictionary<string, string[]> ReadLayers() => Repository.List("layers.txt")
        .Select(l => l.Split(':', 2))
        .ToDictionary(l => l[0].Trim(), l => l[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static IEnumerable<string> References(string project) => XDocument.Parse(Repository.Read(project))
        .Descendants("ProjectReference")
        .Select(r => ShortName(r.Attribute("Include")?.Value ?? string.Empty));

    private static string ShortName(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path.Replace('\\', '/'));
        return name.StartsWith("Bulkhead.", StringComparison.Ordinal) ? name["Bulkhead.".Length..] : name;
    }
}
