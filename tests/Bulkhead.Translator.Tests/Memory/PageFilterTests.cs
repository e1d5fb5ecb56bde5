using Bulkhead.Translator.Memory;
using Xunit;

namespace Bulkhead.Translator.Tests.Memory;

public sealed class PageFilterTests
{
    [Fact]
    public void MayHold_AddressesOfTheOtherHalf_NeverMeet()
    {
        var filter = new PageFilter();
        for (ulong page = 0; page < 8192; page++)
        {
            filter.Add(0xFFFF_8000_0000_0000 + (page << 12));
        }

        for (ulong page = 0; page < 8192; page++)
        {
            Assert.True(filter.MayHold(0xFFFF_8000_0000_0FFF + (page << 12)));
            Assert.False(filter.MayHold(0x5555_5555_0000 + (page << 12)));
        }

        filter.Add(0x5555_5555_0000);
        Assert.True(filter.MayHold(0x5555_5555_0123));
        filter.Clear();
        Assert.False(filter.MayHold(0x5555_5555_0123));
        Assert.False(filter.MayHold(0xFFFF_8000_0000_0000));
    }
}
