using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Modes;

/// <summary>32-bit code under both kinds of paging of its own stays in translated code: the engine is asked once for each page and block.</summary>
public sealed class LegacyPagingSpeedTests
{
    private const int Pages = 256;
    private const int Rounds = 200;
    private const int Region = 0x2000_0000;
    private const long MostExits = 100;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Loop_OverPagesMappedOneByOne_IsInterruptedOnceForEachPage(bool pae)
    {
        using Guest guest = new();
        ulong root = pae ? MapPae(guest) : MapTwoLevels(guest);
        guest.Protected(a =>
        {
            a.mov(eax, cr4);
            a.or(eax, (int)(pae ? Cr4.PAE : Cr4.PSE));
            a.mov(cr4, eax);
            a.mov(eax, (int)root);
            a.mov(cr3, eax);
            a.mov(eax, cr0);
            a.or(eax, unchecked((int)(uint)Cr0.PG));
            a.mov(cr0, eax);

            var round = a.CreateLabel();
            var page = a.CreateLabel();
            var touch = a.CreateLabel();
            var end = a.CreateLabel();
            a.mov(ecx, Rounds);
            a.xor(ebx, ebx);
            a.Label(ref round);
            a.mov(esi, Region);
            a.Label(ref page);
            a.call(touch);
            a.add(esi, 4096);
            a.cmp(esi, Region + (Pages * 4096));
            a.jb(page);
            a.dec(ecx);
            a.jnz(round);
            a.jmp(end);

            // Each word of a page counts the rounds; their sum goes to EBX.
            a.Label(ref touch);
            a.push(ebp);
            a.mov(ebp, esp);
            for (int i = 0; i < 8; i++)
            {
                a.inc(__dword_ptr[esi + (i * 512)]);
                a.add(ebx, __dword_ptr[esi + (i * 512)]);
            }

            a.pop(ebp);
            a.ret();
            a.Label(ref end);
            a.mov(__dword_ptr[Layout.Data], ebx);
            guest.Exit();
        });

        Assert.Equal((ulong)(Pages * 8 * (Rounds * (Rounds + 1) / 2)), guest.Read(Layout.Data) & uint.MaxValue);
        Assert.Equal((ulong)Rounds, guest.Read(Layout.Free + ((Pages - 1) * 4096) + (7 * 512)) & uint.MaxValue);
        ExitCounters exits = guest.Slot().Exits;
        Assert.InRange(exits[ExitReason.TlbMiss], Pages, (2 * Pages) + MostExits);
        Assert.InRange(exits[ExitReason.Helper] + exits[ExitReason.BlockLookup] + exits[ExitReason.CodeWrite] + exits.Interpreted().Sum(static i => i.Count), 1, MostExits);
    }

    private static ulong MapTwoLevels(Guest guest)
    {
        ulong directory = guest.NewPage(), table = guest.NewPage();
        for (ulong i = 0; i < 4; i++)
        {
            guest.Write32(directory + (4 * i), (uint)(i << 22) | 0x83); // 4 MiB pages, identity
        }

        guest.Write32(directory + (4 * (Region >> 22)), (uint)table | 3);
        for (ulong i = 0; i < Pages; i++)
        {
            guest.Write32(table + (4 * i), (uint)(Layout.Free + (i << 12)) | 3);
        }

        return directory;
    }

    private static ulong MapPae(Guest guest)
    {
        ulong pointers = guest.NewPage(), directory = guest.NewPage(), table = guest.NewPage();
        guest.Write(pointers, directory | 1);
        for (ulong i = 0; i < 8; i++)
        {
            guest.Write(directory + (8 * i), (i << 21) | 0x83); // 2 MiB pages, identity
        }

        guest.Write(directory + (8 * (Region >> 21)), table | 3);
        for (ulong i = 0; i < Pages; i++)
        {
            guest.Write(table + (8 * i), (Layout.Free + (i << 12)) | 3);
        }

        return pointers;
    }
}
