using Xunit;

namespace Bulkhead.House.Tests;

public sealed class FileSizeTests
{
    private const int MostLines = 800;

    [Fact]
    public void Sources_WrittenByHand_AreNotTooLong()
    {
        IEnumerable<string> wrong = Repository.Sources("src").Concat(Repository.Sources("tests")).Concat(Repository.Sources("tools"))
            .Where(f => !f.EndsWith(".g.cs", StringComparison.Ordinal))
            .Select(f => (File: f, Lines: File.ReadLines(Path.Combine(Repository.Root, f)).Count()))
            .Where(f => f.Lines > MostLines)
            .Select(f => $"{f.File}: {f.Lines} lines, at most {MostLines}");

        Assert.Empty(wrong);
    }
}
