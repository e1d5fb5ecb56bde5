using Bulkhead.Host;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class DomainImagesTests : IDisposable
{
    private readonly string _root = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
    private readonly DomainImages _images;
    private readonly GuestImage _cached;

    public DomainImagesTests()
    {
        _images = new DomainImages(Path.Combine(_root, "domains"));
        string folder = ImageFolders.Make(Path.Combine(_root, "cache"), "debian-full", "6.1-1.abc", 1 << 20);
        _cached = new GuestImage("debian-full", "6.1-1.abc", Path.Combine(folder, "vmlinuz"), Path.Combine(folder, "initrd.img")) { DiskPath = Path.Combine(folder, "disk.img") };
    }

    [Fact]
    public void Find_FirstTime_CopiesTheImage()
    {
        GuestImage domain = Find("one");

        Assert.True(domain.IsPrivate);
        Assert.Equal("root=/dev/vda1 ro", domain.Append);
        Assert.NotEqual(_cached.DiskPath, domain.DiskPath);
        Assert.Equal(File.ReadAllBytes(DiskOf(_cached)), File.ReadAllBytes(DiskOf(domain)));
    }

    [Fact]
    public void Find_Again_FindsWhatWasWritten_AlsoWithoutTheCache()
    {
        File.WriteAllText(DiskOf(Find("one")), "mine");

        Directory.Delete(Path.Combine(_root, "cache"), recursive: true);
        GuestImage again = _images.Find("one", "debian-full", () => throw new InvalidOperationException("It is there."), _ => { });

        Assert.Equal("mine", File.ReadAllText(DiskOf(again)));
    }

    [Fact]
    public void Find_TwoNames_WriteDisksOfTheirOwn()
    {
        GuestImage one = Find("one");
        GuestImage two = Find("two");

        File.WriteAllText(DiskOf(one), "mine");

        Assert.Equal(File.ReadAllBytes(DiskOf(_cached)), File.ReadAllBytes(DiskOf(two)));
    }

    [Fact]
    public void Find_MadeByAnotherRecipe_IsRefused()
    {
        _ = Find("one");

        OperatorException error = Assert.Throws<OperatorException>(() => _images.Find("one", "other", () => _cached, _ => { }));

        Assert.Contains("was made by the recipe 'debian-full', not 'other'", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string DiskOf(GuestImage image) => image.DiskPath ?? throw new InvalidOperationException("The image has no disk.");

    private GuestImage Find(string domain) => _images.Find(domain, "debian-full", () => _cached, _ => { });
}
