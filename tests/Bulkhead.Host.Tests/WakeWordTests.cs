using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class WakeWordTests
{
    [Fact]
    public void Wait_RungBefore_ReturnsAndForgets()
    {
        var word = new WakeWord();
        word.Ring();
        Assert.True(word.IsRung);

        word.Wait(long.MaxValue);

        Assert.False(word.IsRung);
    }

    [Fact]
    public void Wait_TimeIsPast_Returns()
    {
        var word = new WakeWord();

        word.Wait(0);

        Assert.False(word.IsRung);
    }

    [Fact]
    public void Wait_RungByAnotherAfterCollections_Returns()
    {
        var here = new WakeWord();
        var there = new WakeWord();
        var other = new Thread(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                there.Wait(long.MaxValue);
                here.Ring();
            }
        });
        other.Start();
        for (int i = 0; i < 1000; i++)
        {
            if (i % 100 == 0)
            {
                // The word's address stays what the kernel was told.
                GC.Collect();
            }

            there.Ring();
            here.Wait(long.MaxValue);
        }

        other.Join();
        Assert.False(here.IsRung);
    }

    [Fact]
    public void Clear_Rung_ForgetsIt()
    {
        var word = new WakeWord();
        word.Ring();

        word.Clear();

        Assert.False(word.IsRung);
    }
}
