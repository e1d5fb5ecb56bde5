using Bulkhead.Host;
using Bulkhead.Images.Recipes;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class ImageStoreTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [Fact]
    public void Resolve_UnknownName_HintsAtTheNearest()
    {
        OperatorException error = Assert.Throws<OperatorException>(() => new ImageStore(_root).Resolve("debain", false, _ => { }));

        Assert.Contains("Did you mean 'debian'?", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, error.ExitCode);
    }

    [Fact]
    public void Resolve_CachedImage_IsUsedWithoutAWord()
    {
        string hash = RecipeCatalog.All[0].Hash();
        string folder = Place("debian", "6.1-1.abc+" + hash);

        GuestImage image = new ImageStore(_root).Resolve("debian", false, _ => Assert.Fail("nothing is to be done"));

        Assert.Equal(new GuestImage("debian", "6.1-1.abc", Path.Combine(folder, "vmlinuz"), Path.Combine(folder, "initrd")), image);
    }

    [Fact]
    public void Resolve_CurrentPointsElsewhere_PrefersItsOwnRecipe()
    {
        string hash = RecipeCatalog.All[0].Hash();
        _ = Place("debian", "6.1-1.abc+" + hash);
        _ = Place("debian", "6.1-2.abc+000000000000");
        _ = File.CreateSymbolicLink(Path.Combine(_root, "debian", "current"), "6.1-2.abc+000000000000");

        GuestImage image = new ImageStore(_root).Resolve("debian", false, _ => Assert.Fail("nothing is to be done"));

        Assert.Equal("6.1-1.abc", image.Version);
    }

    public void Dispose()
    {
        if (Directory.Exists(_root))
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    private string Place(string recipe, string name)
    {
        string folder = Path.Combine(_root, recipe, name);
        _ = Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "vmlinuz"), "k");
        File.WriteAllText(Path.Combine(folder, "initrd"), "i");
        return folder;
    }
}
