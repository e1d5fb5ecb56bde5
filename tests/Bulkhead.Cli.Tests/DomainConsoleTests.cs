using Bulkhead.Cli.Systems;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class DomainConsoleTests
{
    [Fact]
    public void Size_IsTold_AndAgainToANewLife()
    {
        var told = new List<(int, int)>();
        var console = new DomainConsole(DomainConsole.Virtio, new ConsoleLog(), static _ => 0, (columns, rows) => told.Add((columns, rows)));
        console.Renew(); // nobody said one
        console.Resize(80, 24);
        console.Resize(100, 30);
        console.Renew();

        Assert.Equal([(80, 24), (100, 30), (100, 30)], told);
    }
}
