using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class ReservedArrayTests
{
    [Fact]
    public void ItemsKeepWhatIsWrittenUntilCleared()
    {
        using ReservedArray<long> array = new(1 << 28); // 2 GiB of address space
        array[0] = 1;
        array[^1] = 2;
        array.Slice(5, 2)[1] = 3;
        Assert.Equal([1L, 3L, 2L, 0L], [array[0], array[6], array[array.Length - 1], array[1000]]);
        array.Clear();
        Assert.Equal([0L, 0L, 0L], [array[0], array[6], array[array.Length - 1]]);
    }

    [Fact]
    public void WhatIsOutsideIsRefused()
    {
        using ReservedArray<int> array = new(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[10]);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Slice(8, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Slice(-1, 1).Length);
    }
}
