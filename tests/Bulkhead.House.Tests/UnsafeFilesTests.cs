using System.Text.RegularExpressions;
using Xunit;

namespace Bulkhead.House.Tests;

public sealed partial class UnsafeFilesTests
{
    [Theory]
    [InlineData("src", "unsafe-files.txt")]
    [InlineData("tests", "unsafe-files.tests.txt")]
    public void UnsafeCode_InSources_StandsInListedFilesOnly(string folder, string list)
    {
        Regex[] listed = [.. Repository.List(list).Select(ToRegex)];

        IEnumerable<string> wrong = Repository.Sources(folder)
            .Where(f => !listed.Any(l => l.IsMatch(f)) && UnsafeWord().IsMatch(SourceText.CodeOf(Repository.Read(f))));

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("src", "unsafe-files.txt")]
    [InlineData("tests", "unsafe-files.tests.txt")]
    public void UnsafeLists_Lines_EachMatchUnsafeCode(string folder, string list)
    {
        string[] found = [.. Repository.Sources(folder).Where(static f => UnsafeWord().IsMatch(SourceText.CodeOf(Repository.Read(f))))];

        Assert.All(Repository.List(list), l => Assert.Contains(found, f => ToRegex(l).IsMatch(f)));
    }

    [Fact]
    public void SafetyComments_ThatNameTests_NameExistingOnes()
    {
        HashSet<string> tests = [.. Repository.Sources("tests").Select(static f => Path.GetFileNameWithoutExtension(f))];

        IEnumerable<string> wrong = Repository.Sources("src")
            .SelectMany(f => SafetyComment().Matches(Repository.Read(f)).SelectMany(m => TestName().Matches(m.Value)).Select(m => (File: f, Test: m.Value)))
            .Where(n => !tests.Contains(n.Test))
            .Select(static n => $"{n.File}: {n.Test}");

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("int* p; unsafe { }", true)]
    [InlineData("// unsafe\nstring s = \"Marshal.\"; /* Unsafe.As */", false)]
    [InlineData("Unsafe.As<int>(ref x)", true)]
    [InlineData("MyUnsafeThing.Go(); Unmarshal.It();", false)]
    [InlineData("var s = \"\"\"\n unsafe \" \"\"\"; char c = '\"'; MemoryMarshal.Read(x);", true)]
    public void CodeOf_Source_LeavesOnlyCode(string source, bool unsafeCode) =>
        Assert.Equal(unsafeCode, UnsafeWord().IsMatch(SourceText.CodeOf(source)));

    private static Regex ToRegex(string pattern) => new(
        "^" + Regex.Escape(pattern).Replace(@"\*\*", ".*", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal) + "$",
        RegexOptions.CultureInvariant);

    [GeneratedRegex(@"\bunsafe\b|\bUnsafe\.|\bMemoryMarshal\b|\bMarshal\.|\bLibraryImport\b|\bDllImport\b")]
    private static partial Regex UnsafeWord();

    [GeneratedRegex(@"// SAFETY:.*(?:\n[ \t]*//.*)*")]
    private static partial Regex SafetyComment();

    [GeneratedRegex(@"\b[A-Z]\w*Tests\b")]
    private static partial Regex TestName();
}
