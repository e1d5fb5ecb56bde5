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
    public void Open_FirstTime_CopiesTheImage()
    {
        using DomainImage domain = Open("one");

        Assert.True(domain.Image.IsPrivate);
        Assert.Equal("root=/dev/vda1 ro", domain.Image.Append);
        Assert.NotEqual(_cached.DiskPath, domain.Image.DiskPath);
        Assert.Equal(File.ReadAllBytes(DiskOf(_cached)), File.ReadAllBytes(DiskOf(domain.Image)));
    }

    [Fact]
    public void Open_Again_FindsWhatWasWritten_AlsoWithoutTheCache()
    {
        using (DomainImage domain = Open("one"))
        {
            File.WriteAllText(DiskOf(domain.Image), "mine");
        }

        Directory.Delete(Path.Combine(_root, "cache"), recursive: true);
        using DomainImage again = _images.Open("one", "debian-full", () => throw new InvalidOperationException("It is there."), _ => { });

        Assert.Equal("mine", File.ReadAllText(DiskOf(again.Image)));
    }

    [Fact]
    public void Open_TwoNames_WriteDisksOfTheirOwn()
    {
        using DomainImage one = Open("one");
        using DomainImage two = Open("two");

        File.WriteAllText(DiskOf(one.Image), "mine");

        Assert.Equal(File.ReadAllBytes(DiskOf(_cached)), File.ReadAllBytes(DiskOf(two.Image)));
    }

    [Fact]
    public void Open_WhileItRuns_IsRefused()
    {
        using DomainImage one = Open("one");

        OperatorException error = Assert.Throws<OperatorException>(() => Open("one"));

        Assert.Contains("The disk of 'one' is in use", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MadeByAnotherRecipe_IsRefused()
    {
        Open("one").Dispose();

        OperatorException error = Assert.Throws<OperatorException>(() => _images.Open("one", "other", () => _cached, _ => { }));

        Assert.Contains("was made by the recipe 'debian-full', not 'other'", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string DiskOf(GuestImage image) => image.DiskPath ?? throw new InvalidOperationException("The image has no disk.");

    private DomainImage Open(string domain) => _images.Open(domain, "debian-full", () => _cached, _ => { });
}
