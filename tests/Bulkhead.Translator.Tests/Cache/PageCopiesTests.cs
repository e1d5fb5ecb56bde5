using Bulkhead.Host.Memory;
using Bulkhead.Translator.Cache;
using Xunit;

namespace Bulkhead.Translator.Tests.Cache;

public sealed unsafe class PageCopiesTests : IDisposable
{
    private readonly PageCopies _copies = new();

    public void Dispose() => _copies.Dispose();

    [Fact]
    public void Find_BytesAsTheyWereTaken_IsTheCopyUntilOneChanges()
    {
        using var page = new PrivateMemory(4096);
        page.Pointer[4095] = 7;
        byte* copy = _copies.Take(5, page.Pointer);

        Assert.True(copy != page.Pointer && copy[4095] == 7);
        Assert.True(_copies.Find(5, page.Pointer) == copy);
        page.Pointer[4095] = 8;
        Assert.True(_copies.Find(5, page.Pointer) == null);
        Assert.Equal(7, copy[4095]);
    }

    [Fact]
    public void Find_AnotherTookItsPlaceOrNobodyDid_IsNull()
    {
        using var page = new PrivateMemory(4096);

        Assert.True(_copies.Find(5, page.Pointer) == null);
        _copies.Take(5, page.Pointer);
        _copies.Take(21, page.Pointer);
        Assert.True(_copies.Find(5, page.Pointer) == null);
        Assert.True(_copies.Find(21, page.Pointer) != null);
    }
}
