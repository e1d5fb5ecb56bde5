using System.Text;
using System.Text.RegularExpressions;
using Bulkhead.Images.Recipes;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed partial class GuestScriptsTests
{
    private static readonly string s_init = Text("init");
    private static readonly string s_storm = Text("bin/storm");

    [Fact]
    public void Storm_Kinds_AreDescribedDoneAndListedAlike()
    {
        string[] done = [.. Branch().Matches(s_storm[s_storm.LastIndexOf("case $kind", StringComparison.Ordinal)..]).Select(m => m.Groups[1].Value)];
        string[] described = [.. Described().Matches(s_storm).Select(m => m.Groups[1].Value)];

        Assert.NotEmpty(done);
        Assert.Equal(done.Order(), described.Order());
        Assert.Equal(done.Order(), Known().Match(s_storm).Groups[1].Value.Split(", ").Order());
    }

    [Fact]
    public void Init_Modules_AreThoseOfTheImage()
    {
        string[] loaded = [.. Loaded().Matches(s_init).SelectMany(static m => m.Groups[1].Value.Split(' '))];

        Assert.Equal(InitramfsMaker.Modules.Where(static m => !m.StartsWith("uio", StringComparison.Ordinal)).Order(), loaded.Distinct().Order());
    }

    [Fact]
    public void Init_Tasks_AreListedAsTheyAreRun()
    {
        string[] run = [.. Branch().Matches(s_init[s_init.IndexOf("run_task() {", StringComparison.Ordinal)..]).Select(m => m.Groups[1].Value)];

        Assert.Contains("storm", run);
        Assert.Equal(run, Known().Match(s_init).Groups[1].Value.Split(", "));
    }

    private static string Text(string path) => Encoding.UTF8.GetString(GuestScripts.All.Single(s => s.Path == path).Content);

    [GeneratedRegex(@"^ +([a-z]+)\)", RegexOptions.Multiline)]
    private static partial Regex Branch();

    [GeneratedRegex(@"^#   ([a-z]+) ", RegexOptions.Multiline)]
    private static partial Regex Described();

    // uio's are for whoever wants them.
    [GeneratedRegex("""(?:\bload |transport=")([a-z][a-z0-9_ -]*[a-z0-9_])(?= \|\||"| ;|\n)""")]
    private static partial Regex Loaded();

    [GeneratedRegex("known: ([^\"]+)\"")]
    private static partial Regex Known();
}
