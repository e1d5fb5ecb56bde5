using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class NearestNameTests
{
    [Theory]
    [InlineData("debain", "debian")]
    [InlineData("Debian", "debian")]
    [InlineData("debian-tr", "debian-rt")]
    [InlineData("debianrt", "debian-rt")]
    [InlineData("windows", null)]
    [InlineData("", null)]
    public void Find_Name_GivesTheCloseOne(string name, string? expected) =>
        Assert.Equal(expected, NearestName.Find(name, ["debian", "debian-rt"]));

    [Theory]
    [InlineData("sc", "s")]
    [InlineData("x", null)]
    [InlineData("", null)]
    public void Find_ShortName_NeedsOneLetterInCommon(string name, string? expected) =>
        Assert.Equal(expected, NearestName.Find(name, ["s"]));

    [Theory]
    [InlineData("", "abc", 3)]
    [InlineData("abc", "abc", 0)]
    [InlineData("abc", "acb", 1)]
    [InlineData("kitten", "sitting", 3)]
    public void Distance_Words_CountsEdits(string a, string b, int expected) =>
        Assert.Equal((expected, expected), (NearestName.Distance(a, b), NearestName.Distance(b, a)));
}
