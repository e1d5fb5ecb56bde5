using System.Text.RegularExpressions;
using Xunit;

namespace Bulkhead.House.Tests;

public sealed partial class MutableStaticsTests
{
    [Fact]
    public void StaticState_InSources_IsReadOnlyOrListed()
    {
        HashSet<string> listed = [.. Repository.List("mutable-statics.txt").Select(l => l.Split(',')[0].Trim())];

        IEnumerable<string> wrong = Repository.Sources("src")
            .SelectMany(f => MutableStatics(Repository.Read(f)).Select(name => $"{f}: {name}"))
            .Where(s => !listed.Contains(s));

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("private static int s_count;", "s_count")]
    [InlineData("internal static volatile bool s_stop = false;", "s_stop")]
    [InlineData("static Dictionary<int, (int A, int B)> s_map = new();", "s_map")]
    [InlineData("public static int Count { get; set; }", "Count")]
    [InlineData("public static unsafe delegate* unmanaged<int, void> s_helper;", "s_helper")]
    [InlineData("private static event Action? Changed;", "Changed")]
    [InlineData("private static readonly int s_fixed = 3;", null)]
    [InlineData("public static int Count { get; } = 3;", null)]
    [InlineData("private static int Twice(int x) => x * 2;", null)]
    [InlineData("internal static ReadOnlySpan<byte> Table => [1, 2];", null)]
    [InlineData("private static partial int Close(int fd);", null)]
    [InlineData("internal static Fault Of(Vector vector, uint errorCode = 0) => new(vector);", null)]
    [InlineData("// private static int s_count;", null)]
    [InlineData("using static System.Math;", null)]
    [InlineData("internal static unsafe partial class Native\n{", null)]
    [InlineData("public static bool operator ==(A a, A b) => true;", null)]
    public void MutableStatics_Line_AreFound(string source, string? expected) =>
        Assert.Equal(expected, MutableStatics(source).SingleOrDefault());

    private static IEnumerable<string> MutableStatics(string source)
    {
        string code = SourceText.CodeOf(source);
        return Field().Matches(code).Concat(Property().Matches(code)).Select(m => m.Groups["name"].Value);
    }

    [GeneratedRegex(@"^[ \t]*(?:\[[^\]\n]*\][ \t]*)*(?:(?:public|private|internal|protected|new|unsafe|volatile)[ \t]+)*static[ \t]+(?!readonly\b|partial\b|extern\b|class\b)(?:(?:unsafe|volatile|event)[ \t]+)*(?!readonly\b)(?:[^;={}()\n]|\([^()\n]*\))*?[\w?>\])][ \t]+(?<name>\w+)[ \t]*(?:;|=(?!>|=))", RegexOptions.Multiline)]
    private static partial Regex Field();

    [GeneratedRegex(@"^[ \t]*(?:(?:public|private|internal|protected|new|unsafe)[ \t]+)*static[ \t]+[^;={}()\n]*?[\w?>\])][ \t]+(?<name>\w+)\s*\{[^}]*\bset;", RegexOptions.Multiline)]
    private static partial Regex Property();
}
