using Bulkhead.Scheduling.Balance;
using Xunit;

namespace Bulkhead.Scheduling.Tests.Balance;

public sealed class DealerTests
{
    [Fact]
    public void Next_NobodyBound_DealsInTurn()
    {
        var dealer = new Dealer(3);

        Assert.Equal([0, 1, 2, 0, 1], Enumerable.Range(0, 5).Select(_ => dealer.Next([])));
    }

    [Fact]
    public void Next_SomeBound_FillsWhereThereAreFewest()
    {
        var dealer = new Dealer(3);

        Assert.Equal(1, dealer.Next([1]));
        Assert.Equal(2, dealer.Next([1, 2]));
        Assert.Equal(0, dealer.Next([]));
        Assert.Equal(0, dealer.Next([]));
        Assert.Equal(1, dealer.Next([2, 1]));
        Assert.Equal(2, dealer.Next([2]));
    }

    [Fact]
    public void Next_NoneOfThePool_Throws() => Assert.Throws<ArgumentException>(() => new Dealer(2).Next([2]));
}
