using Bulkhead.Translator.Cache;
using Xunit;

namespace Bulkhead.Translator.Tests.Cache;

public sealed class BlockTableTests
{
    private const int CacheBytes = 4 << 20;

    [Fact]
    public void BlocksAreFoundByPageAndOffset()
    {
        using BlockTable table = new(CacheBytes);
        // More than the index has rows, so that rows are shared.
        for (int i = 0; i < 40_000; i++)
        {
            table.Add(new Block { Start = i * 64, Page = (uint)(i / 8) + 1, Offset = (ushort)(i % 8 * 100) }, [(uint)i]);
        }

        table.Add(new Block { Start = 40_000 * 64, Page = 1, SecondPage = 2 }, [7u, 8u]);
        for (int i = 0; i < 40_000; i++)
        {
            Assert.True(table.TryFind((uint)(i / 8) + 1, 0, i % 8 * 100, out int index));
            Assert.Equal(i, index);
            Assert.Equal([(uint)i], table.NotesOf(table[index]).ToArray());
        }

        Assert.True(table.TryFind(1, 2, 0, out int spanning));
        Assert.Equal([7u, 8u], table.NotesOf(table[spanning]).ToArray());
        Assert.False(table.TryFind(1, 2, 100, out _));
        Assert.False(table.TryFind(1, 0, 1, out _));
        Assert.False(table.TryFind(9_999, 0, 0, out _));
        table.Clear();
        Assert.False(table.TryFind(1, 0, 0, out _));
        Assert.False(table.TryFindHost(64, out _));
    }

    [Fact]
    public void BlocksAreFoundByHostCode()
    {
        using BlockTable table = new(CacheBytes);
        table.Add(new Block { Start = 100, Page = 1 }, [1u]);
        table.Add(new Block { Start = 200, Page = 1, Offset = 5 }, [2u]);
        Assert.False(table.TryFindHost(99, out _));
        foreach ((int offset, int expected) in ((int, int)[])[(100, 0), (199, 0), (200, 1), (5000, 1)])
        {
            Assert.True(table.TryFindHost(offset, out int index));
            Assert.Equal(expected, index);
        }
    }

    [Fact]
    public void ItTakesNoMoreThanItHasRoomFor()
    {
        using BlockTable table = new(1 << 10);
        Assert.True(table.HasRoom);
        for (int i = 0; i < 64; i++)
        {
            table.Add(new Block { Start = i, Page = 1, Offset = (ushort)i }, [0u]);
        }

        Assert.False(table.HasRoom);
    }
}
