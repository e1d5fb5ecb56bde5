using Bulkhead.Core.Memory;
using Xunit;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>Builds 4-level page tables in guest RAM; upper levels allow everything.</summary>
internal sealed class PageTables
{
    private readonly GuestMemory _memory;
    private readonly Func<ulong> _newPage;

    /// <summary>Creates a root; <paramref name="newPage"/> gives empty pages.</summary>
    public PageTables(GuestMemory memory, Func<ulong> newPage)
    {
        _memory = memory;
        _newPage = newPage;
        Root = newPage();
    }

    /// <summary>The value for CR3.</summary>
    public ulong Root { get; }

    /// <summary>The leaf entry of a 4 KiB page.</summary>
    public ulong this[ulong va]
    {
        get => Read(EntryAddress(va, 12));
        set => Write(EntryAddress(va, 12), value);
    }

    /// <summary>Maps one page of 2^<paramref name="shift"/> bytes.</summary>
    public void Map(ulong va, ulong pa, PageBits bits = PageBits.Kernel, int shift = 12) =>
        Write(EntryAddress(va, shift), pa | (ulong)bits | (shift > 12 ? (ulong)PageBits.PS : 0));

    /// <summary>Maps a range with pages of one size.</summary>
    public void MapRange(ulong va, ulong pa, ulong bytes, PageBits bits, int shift)
    {
        for (ulong at = 0; at < bytes; at += 1ul << shift)
        {
            Map(va + at, pa + at, bits, shift);
        }
    }

    /// <summary>The guest physical address of the entry for an address at a level (12, 21, 30, 39); makes the tables above it.</summary>
    public ulong EntryAddress(ulong va, int shift)
    {
        ulong table = Root;
        for (int level = 39; ; level -= 9)
        {
            ulong at = table + (((va >> level) & 511) << 3);
            if (level == shift)
            {
                return at;
            }

            ulong entry = Read(at);
            Assert.True((entry & (ulong)PageBits.PS) == 0 || level == 39, "A large page is in the way.");
            if (entry == 0)
            {
                entry = _newPage() | (ulong)PageBits.User;
                Write(at, entry);
            }

            table = entry & 0x000F_FFFF_FFFF_F000;
        }
    }

    public ulong Read(ulong at)
    {
        Assert.True(_memory.TryReadUInt64(new Gpa(at), out ulong value));
        return value;
    }

    public void Write(ulong at, ulong value) => Assert.True(_memory.TryWriteUInt64(new Gpa(at), value));
}
