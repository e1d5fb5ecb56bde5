using Bulkhead.Host;
using Bulkhead.Images.Recipes;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class ImageStoreTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
    private readonly string _hash = new InitramfsMaker(RecipeCatalog.Read("debian"), static _ => { }).Hash;

    [Fact]
    public void RecipeNames_OfTheProgram_AreTheFilesInImages() => Assert.Equal(["debian", "debian-full", "debian-rt"], ImageStore.RecipeNames);

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
        string folder = Place("debian", "6.1-1.abc+" + _hash);

        GuestImage image = new ImageStore(_root).Resolve("debian", false, _ => Assert.Fail("nothing is to be done"));

        Assert.Equal("6.1-1.abc", image.Version);
        Assert.Equal(Path.Combine(folder, "vmlinuz"), image.KernelPath);
        Assert.Equal(Path.Combine(folder, "initrd.img"), image.InitrdPath);
        Assert.Null(image.DiskPath);
    }

    [Fact]
    public void Resolve_CurrentPointsElsewhere_PrefersItsOwnRecipe()
    {
        _ = Place("debian", "6.1-1.abc+" + _hash);
        _ = Place("debian", "6.1-2.abc+000000000000");
        _ = File.CreateSymbolicLink(Path.Combine(_root, "debian", "current"), "6.1-2.abc+000000000000");

        GuestImage image = new ImageStore(_root).Resolve("debian", false, _ => Assert.Fail("nothing is to be done"));

        Assert.Equal("6.1-1.abc", image.Version);
    }

    [Fact]
    public void List_WholeAndHalfImages_NamesTheWhole()
    {
        _ = Place("debian", "6.1-1.abc+000000000001");
        _ = Place("debian", ".making-6.1-2.abc+000000000001");
        _ = Place("other", "6.1-3.abc+000000000001", diskBytes: 1 << 30);
        _ = File.CreateSymbolicLink(Path.Combine(_root, "debian", "current"), "6.1-1.abc+000000000001");

        IReadOnlyList<StoredImage> images = new ImageStore(_root).List();

        Assert.Equal([("debian", "6.1-1.abc", 0L, true), ("other", "6.1-3.abc", 1L << 30, false)], images.Select(i => (i.Recipe, i.Version, i.DiskBytes, i.IsCurrent)));
    }

    [Fact]
    public void Remove_Image_LeavesTheOthers()
    {
        string gone = Place("debian", "6.1-1.abc+000000000001");
        string stays = Place("debian", "6.1-2.abc+000000000001");
        var store = new ImageStore(_root);

        store.Remove(store.List().Single(i => i.Directory == gone));

        Assert.Equal([stays], store.List().Select(i => i.Directory));
        Assert.False(Directory.Exists(gone));
    }

    [Fact]
    public void Export_Image_IsAnImageOfItsOwn()
    {
        string from = Place("debian", "6.1-1.abc+" + _hash, diskBytes: 1 << 20);
        string to = Path.Combine(_root, "copy");
        GuestImage image = new ImageStore(_root).Resolve("debian", false, _ => { });

        ImageStore.Export(image, to);
        File.WriteAllText(Path.Combine(to, "disk.img"), "written");
        ImageStore.Export(image, to);

        Assert.Equal(["disk.img", "initrd.img", "manifest.json", "vmlinuz"], Directory.GetFiles(to).Select(Path.GetFileName).Order());
        Assert.Equal(File.ReadAllBytes(Path.Combine(from, "disk.img")), File.ReadAllBytes(Path.Combine(to, "disk.img")));
    }

    public void Dispose()
    {
        if (Directory.Exists(_root))
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    private string Place(string recipe, string name, long diskBytes = 0) => ImageFolders.Make(Path.Combine(_root, recipe, name), recipe, name.Split('+')[0], diskBytes);
}
