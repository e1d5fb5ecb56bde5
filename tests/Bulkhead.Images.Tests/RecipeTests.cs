using System.Text;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Recipes;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class RecipeTests
{
    private static readonly Recipe s_recipe = new("a", "linux-image-a", []) { Text = "kernel: linux-image-a" };

    [Fact]
    public void Hash_SameRecipe_IsTheSame() => Assert.Equal(s_recipe.Hash("script"u8), (s_recipe with { Packages = [] }).Hash("script"u8));

    [Fact]
    public void Hash_AnyPartDiffers_Differs()
    {
        string[] hashes =
        [
            s_recipe.Hash("script"u8),
            s_recipe.Hash("other"u8),
            (s_recipe with { Name = "b" }).Hash("script"u8),
            (s_recipe with { Text = "kernel: linux-image-b" }).Hash("script"u8),
        ];

        Assert.Distinct(hashes);
    }

    [Fact]
    public void VersionOf_PackagesWithTheSameKernel_DifferByTheOthers()
    {
        DebianPackage kernel = new("linux-image-1", "6.1-1", string.Empty);
        string first = Recipe.VersionOf([kernel, new("libc6", "1", string.Empty)]);
        string second = Recipe.VersionOf([kernel, new("libc6", "2", string.Empty)]);

        Assert.StartsWith("6.1-1.", first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Script_OfTheGuest_SpeaksFirst()
    {
        string script = Encoding.UTF8.GetString(GuestScripts.All[0].Content);
        string first = script.Split('\n').First(l => l.Length > 0 && l[0] != '#');

        Assert.Equal("echo \"bulkhead: init\"", first);
        Assert.StartsWith("#!/bin/sh\n", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_TwoStanzas_ReadsTheFirst()
    {
        DebianPackage? package = DebianPackage.Parse(
            "Package: linux-image-amd64\nVersion: 6.1.2-1\nDescription: a\n Depends: not this\nDepends: linux-base, linux-image-6.1.0-2-amd64 (= 6.1.2-1)\n\nPackage: other\nVersion: 1\n");

        Assert.Equal("6.1.2-1", package?.Version);
        Assert.Equal("linux-image-6.1.0-2-amd64", package?.DependencyStartingWith("linux-image-"));
    }

    [Theory]
    [InlineData("./usr/bin/cyclictest", "bin/cyclictest")]
    [InlineData("./lib64/ld.so", "lib64/ld.so")]
    [InlineData("/usr/lib/x.so", "lib/x.so")]
    public void Normalize_Path_IsTheSameInBothLayouts(string path, string expected) => Assert.Equal(expected, DebArchive.Normalize(path));
}
