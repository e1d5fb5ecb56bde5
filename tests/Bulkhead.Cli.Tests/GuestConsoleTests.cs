using System.Text;
using Bulkhead.Cli.Systems;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class GuestConsoleTests
{
    [Fact]
    public void Write_EachPiece_TellsWhenAllIsThereToBeSeen()
    {
        var seen = new List<(long, bool, bool)>();
        GuestConsole? console = null;
        TextMatcher? awaited = null;
        console = new GuestConsole("ready", hasVirtio: false, () => seen.Add((console!.Log.End, console.IsReady, awaited!.Found))); // set before the first write
        awaited = console.Await("dy");

        foreach (string piece in (string[])["rea", "dy", "\n"])
        {
            console.Write(Encoding.ASCII.GetBytes(piece));
        }

        Assert.Equal([(3, false, false), (5, true, true), (6, true, true)], seen);
    }
}
