using Bulkhead.Translator.Cache;
using Xunit;

namespace Bulkhead.Translator.Tests.Cache;

public sealed class BusyRegionsTests
{
    private const ulong Code = 0x5555_5540_1000;
    private const ulong Next = 16 << 20;
    private readonly BusyRegions _regions = new();

    [Fact]
    public void NoteFound_EightTimesAnywhereInARegion_MakesItAndItsNeighboursBusyOnce()
    {
        for (ulong i = 0; i < 7; i++)
        {
            Assert.False(_regions.NoteFound(Code + (i << 12)));
            Assert.False(_regions.IsBusy(Code));
        }

        Assert.True(_regions.NoteFound(Code));
        Assert.False(_regions.NoteFound(Code));
        Assert.False(_regions.NoteFound(Code + Next));
        Assert.True(_regions.IsBusy(Code));
        Assert.True(_regions.IsBusy(Code + Next));
        Assert.True(_regions.IsBusy(Code - Next));
        Assert.False(_regions.IsBusy(Code + (2 * Next)));
        Assert.False(_regions.IsBusy(Code - (2 * Next)));
    }

    [Fact]
    public void NoteFound_AnotherRegionOfTheSamePlace_TakesItOver()
    {
        ulong other = Code + (256 * Next);
        for (int i = 0; i < 8; i++)
        {
            _ = _regions.NoteFound(Code);
        }

        Assert.False(_regions.NoteFound(other));

        Assert.False(_regions.IsBusy(Code));
        Assert.False(_regions.IsBusy(other));
    }
}
