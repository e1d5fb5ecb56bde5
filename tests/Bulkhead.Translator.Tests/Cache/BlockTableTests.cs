using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Emit;
using Xunit;

namespace Bulkhead.Translator.Tests.Cache;

public sealed class BlockTableTests
{
    private const int CacheBytes = 4 << 20;

    [Fact]
    public void BlocksAreFoundByPageAndOffset()
    {
        using BlockTable table = new(CacheBytes);
        int count = 0;
        while (table.HasRoom)
        {
            table.Add(new Block { Start = count * 64, Page = (uint)(count / 8) + 1, Offset = (ushort)(count % 8 * 100), FlagsEntry = (FlagsEntry)(count % 3) }, [new Note(count & 0xFFFF, count & 0xFFF, count % 2 == 0), new Note((count & 0xFFFF) + 70, 3, true)]);
            count++;
        }

        table.Add(new Block { Start = count * 64, Page = 1, SecondPage = 2 }, [new Note { Word = 2 }, new Note { Word = 8 }]);
        table.Add(new Block { Start = (count + 1) * 64, Page = 1, SecondPage = 3 }, [new Note { Word = 3 }, new Note { Word = 8 }]);
        for (int i = 0; i < count; i++)
        {
            Assert.True(table.TryFind((uint)(i / 8) + 1, 0, i % 8 * 100, out int start, out FlagsEntry flags));
            Assert.Equal((i * 64, (FlagsEntry)(i % 3)), (start, flags));
            Assert.True(table.TryFindHost(start, out int index));
            Assert.Equal([new Note(i & 0xFFFF, i & 0xFFF, i % 2 == 0), new Note((i & 0xFFFF) + 70, 3, true)], NotesOf(table, index));
        }

        foreach (uint second in (ReadOnlySpan<uint>)[2, 3])
        {
            Assert.True(table.TryFind(1, second, 0, out int start, out _));
            Assert.True(table.TryFindHost(start, out int spanning));
            Assert.Equal([new Note { Word = second }, new Note { Word = 8 }], NotesOf(table, spanning));
        }

        Assert.False(table.TryFind(1, 4, 0, out _, out _));
        Assert.False(table.TryFind(1, 2, 100, out _, out _));
        Assert.False(table.TryFind(1, 0, 1, out _, out _));
        Assert.False(table.TryFind(9_999, 0, 0, out _, out _));
        table.Clear();
        Assert.False(table.TryFind(1, 0, 0, out _, out _));
        Assert.False(table.TryFindHost(64, out _));
    }

    [Fact]
    public void BlocksAreFoundByHostCode()
    {
        using BlockTable table = new(CacheBytes);
        table.Add(new Block { Start = 96, Page = 1 }, [new Note { Word = 1 }]);
        table.Add(new Block { Start = 192, Page = 1, Offset = 5 }, [new Note { Word = 2 }]);
        Assert.False(table.TryFindHost(95, out _));
        foreach ((int offset, int expected) in ((int, int)[])[(96, 0), (191, 0), (192, 1), (5000, 1)])
        {
            Assert.True(table.TryFindHost(offset, out int index));
            Assert.Equal(expected, index);
        }
    }

    [Fact]
    public void ItTakesNoMoreThanItHasRoomFor()
    {
        using BlockTable table = new(8192);
        for (int i = 0; i < 28; i++)
        {
            Assert.True(table.HasRoom);
            table.Add(new Block { Start = i * 16, Page = 1, Offset = (ushort)i }, [new Note { Word = 0 }]);
        }

        Assert.False(table.HasRoom);
    }

    private static Note[] NotesOf(BlockTable table, int index)
    {
        var notes = new Note[table[index].Notes];
        table.ReadNotes(table[index], notes);
        return notes;
    }
}
