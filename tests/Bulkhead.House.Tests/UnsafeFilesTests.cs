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
    [InlineData("unsafe-files.txt")]
    [InlineData("unsafe-files.tests.txt")]
    public void UnsafeLists_SingleFiles_AreThere(string list) =>
        Assert.All(
            Repository.List(list).Where(l => !l.Contains('*', StringComparison.Ordinal)),
            l => Assert.True(File.Exists(Path.Combine(Repository.Root, l)), l));

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
}
