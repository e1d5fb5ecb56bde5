using Bulkhead.Core.Memory;
using Bulkhead.Machine.Symbols;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Symbols;

public sealed class KallsymsTests
{
    private const ulong Text = 32ul << 20;
    private const ulong Tables = 48ul << 20;

    [Theory]
    [InlineData(700, false, false)]
    [InlineData(600, false, false)]
    [InlineData(700, true, false)]
    [InlineData(600, true, false)]
    [InlineData(700, false, true)]
    [InlineData(600, false, true)]
    public void Find_TablesOfAnyLayout_NamesEverySymbol(int count, bool seqs, bool offsetsLast)
    {
        (ulong Address, string Name)[] symbols = KallsymsImage.Symbols(count);
        using GuestMemory memory = With(KallsymsImage.Build(symbols, seqs, offsetsLast), Tables);

        using KernelSymbols? found = KallsymsFinder.Find(memory, new Gpa(Text));

        Assert.NotNull(found);
        for (int i = 2; i < count - 1; i++)
        {
            Assert.True(found.TryName(symbols[i].Address + 5, out string name));
            Assert.Equal($"{symbols[i].Name[1..]}+0x5/0x20", name);
        }
    }

    [Fact]
    public void TryName_OutsideTheImage_NamesNothing()
    {
        (ulong Address, string Name)[] symbols = KallsymsImage.Symbols(700);
        using GuestMemory memory = With(KallsymsImage.Build(symbols, seqs: false, offsetsLast: false), Tables);
        using KernelSymbols? found = KallsymsFinder.Find(memory, new Gpa(Text));

        Assert.NotNull(found);
        Assert.False(found.TryName(symbols[^1].Address + 1, out _));
        Assert.False(found.TryName(ulong.MaxValue, out _));
    }

    [Fact]
    public void Find_TwoNamesForOneAddress_GivesTheFirst()
    {
        (ulong Address, string Name)[] symbols = KallsymsImage.Symbols(700);
        symbols[11].Address = symbols[10].Address;
        using GuestMemory memory = With(KallsymsImage.Build(symbols, seqs: true, offsetsLast: false), Tables);

        using KernelSymbols? found = KallsymsFinder.Find(memory, new Gpa(Text));

        Assert.NotNull(found);
        Assert.True(found.TryName(symbols[10].Address, out string name));
        Assert.Equal("sys_number_10+0x0/0x40", name);
    }

    [Fact]
    public void Find_OtherDigitsBefore_StillFindsTheTables()
    {
        using GuestMemory memory = With(KallsymsImage.Build(KallsymsImage.Symbols(700), seqs: true, offsetsLast: false), Tables);
        Assert.True(memory.TryWrite(new Gpa(Tables - 4096), TokenTable.Digits));

        Assert.NotNull(KallsymsFinder.Find(memory, new Gpa(Text)));
    }

    [Fact]
    public void Find_TablesAtTheEndOfMemory_AreRead()
    {
        byte[] image = KallsymsImage.Build(KallsymsImage.Symbols(700), seqs: true, offsetsLast: false);
        using GuestMemory memory = With(image, (64ul << 20) - (ulong)image.Length);

        Assert.NotNull(KallsymsFinder.Find(memory, new Gpa(Text)));
    }

    [Fact]
    public void Find_CopiesNothingToTheHeap()
    {
        using GuestMemory memory = With(KallsymsImage.Build(KallsymsImage.Symbols(30_000), seqs: true, offsetsLast: false), Tables);
        long before = GC.GetAllocatedBytesForCurrentThread();

        using KernelSymbols? found = KallsymsFinder.Find(memory, new Gpa(Text));

        // The names alone take several times that; so does a piece in which the tables are looked for.
        Assert.NotNull(found);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void Find_NoTables_FindsNothing()
    {
        using var memory = new GuestMemory("symbols", 64 << 20);

        Assert.Null(KallsymsFinder.Find(memory, new Gpa(Text)));
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(GuestMemory.HoleStart)]
    [InlineData(GuestMemory.HighStart)]
    public void Find_NearNothing_FindsNothing(ulong near)
    {
        using var memory = new GuestMemory("symbols", 64 << 20);

        Assert.Null(KallsymsFinder.Find(memory, new Gpa(near)));
    }

    [Fact]
    public void Find_ForgedTables_NamesSomethingOrNothing()
    {
        byte[] good = KallsymsImage.Build(KallsymsImage.Symbols(600), seqs: true, offsetsLast: false);
        using var memory = new GuestMemory("symbols", 1 << 20);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length - 1], Gen.Byte).Sample(
            (at, value, otherAt, other) =>
            {
                byte[] image = [.. good];
                image[at] = value;
                image[otherAt] = other;
                Assert.True(memory.TryWrite(new Gpa(0x8000), image));
                using KernelSymbols? found = KallsymsFinder.Find(memory, new Gpa(0x1000));
                for (ulong address = KallsymsImage.Base; found is not null && address < KallsymsImage.Base + (600 * 0x20); address += 0x10)
                {
                    _ = found.TryName(address, out string name);
                    Assert.InRange(name.Length, 0, 600);
                }
            },
            threads: 1);
    }

    private static GuestMemory With(byte[] image, ulong at)
    {
        var memory = new GuestMemory("symbols", 64 << 20);
        Assert.True(memory.TryWrite(new Gpa(at), image));
        return memory;
    }
}
