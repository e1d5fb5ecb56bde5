using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>The same pages of user code at several addresses, as each process has its libraries somewhere else.</summary>
public sealed class SharedCodeTests
{
    /// <summary>Two pages, the second reached by an instruction that ends in it.</summary>
    private const ulong Function = Layout.Free + 0x100, Tail = Layout.Free + 0x1000 - 3, Helper = Layout.Free + 0x1800;

    /// <summary>Where they are mapped: in reach of a direct call from the caller, and out of it.</summary>
    private static readonly ulong[] s_places = [Layout.User + Layout.Ram, Layout.Own + 0x1234_5000, 0x7FFF_FFFF_0000, Layout.Own];

    [Theory]
    [EngineSettings]
    public void Code_AtSeveralAddresses_SeesItsOwn(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel(), direct = a.CreateLabel();
            guest.ToUser();
            a.mov(r15, Layout.User + Layout.Data);
            a.mov(r14d, 3);
            a.Label(ref loop);
            foreach (ulong place in s_places)
            {
                a.mov(rbx, place + (Function & 0xFFF));
                a.call(rbx);
                Keep(a);
            }

            a.dec(r14d);
            a.jne(loop);
            a.mov(r14d, 4);
            a.Label(ref direct);
            a.call(Layout.Ram + (Function & 0xFFF));
            Keep(a);
            a.dec(r14d);
            a.jne(direct);
            guest.UserExit();
        });

        ulong[] visits = [.. Enumerable.Repeat(s_places, 3).SelectMany(static p => p), .. Enumerable.Repeat(s_places[0], 4)];
        Assert.Equal(
            visits.Select(static p => (p + (Function & 0xFFF) + 0x1122_3344 + 0x55 + 0x66 + 3).ToString("x", null)),
            visits.Select((_, n) => guest.Read(Layout.Data + (ulong)(8 * n)).ToString("x", null)));
        Assert.Equal(visits.Select(p => p + (guest.At("ud2") & 0xFFF)), guest.Events.Select(static e => e.Rip));
        Assert.All(guest.Events, static e => Assert.Equal(6, e.Vector));
    }

    [Theory]
    [EngineSettings]
    public void Code_MappedElsewhereWhileCalled_IsTheOtherPageAtReturn(string engine)
    {
        // What is called swaps the page it returns to with its copy, which counts otherwise.
        using Guest guest = new(engine);
        const ulong page = Layout.Free + 0x2000, copy = Layout.Free + 0x3000, place = Layout.Own + 0x4000, other = Layout.Own + 0x8000;
        foreach ((ulong at, int value) in new[] { (page, 1), (copy, 100) })
        {
            guest.Place(64, at, a =>
            {
                a.mov(r9, rbx);
                a.call(r9);
                a.add(rax, value);
                a.ret();
            });
        }

        guest.Pages.Map(place, page, PageBits.User);
        guest.Pages.Map(other, page, PageBits.User);
        ulong entry = guest.Pages.EntryAddress(place, 12);
        guest.Place(64, Layout.Free + 0x5000, a =>
        {
            a.mov(ecx, (int)entry);
            a.xor(__qword_ptr[rcx], (int)(page ^ copy));
            a.mov(rcx, place);
            a.invlpg(__[rcx]);
            a.iretq();
        });
        guest.Gate(0x80, Layout.Free + 0x5000, dpl: 3);
        guest.Place(64, Layout.Free + 0x6000, a =>
        {
            a.@int(0x80);
            a.ret();
        });
        CallInTurn(guest, 5, Layout.User + Layout.Free + 0x6000, other, place);

        // "other" stays the first page: 10 calls swap 10 times, and the one at "place" returns to what it was swapped to.
        Assert.Equal((5 * 1) + (5 * 1ul), guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void NextPage_IsAnotherThanWhereThePairStandsElsewhere(string engine)
    {
        // The page jumped to stands 16 MiB from where the pair would have it; another page is there.
        using Guest guest = new(engine);
        const ulong first = Layout.Free + 0x1_0000, second = Layout.Free + 0x1_1000, third = Layout.Free + 0x1_2000;
        const ulong pair = Layout.Own + 0x4000, again = Layout.Own + 0x2004_4000, mixed = Layout.Own + 0x4000_8000, away = mixed + 0x1000 + 0x100_0000;
        guest.Place(64, first, static a => a.jmp(second));
        foreach ((ulong at, int value) in new[] { (second, 1), (third, 100) })
        {
            guest.Place(64, at, a =>
            {
                a.add(rax, value);
                a.ret();
            });
        }

        foreach (ulong place in new[] { pair, again, mixed })
        {
            guest.Pages.Map(place, first, PageBits.User);
            guest.Pages.Map(place + 0x1000, place == mixed ? third : second, PageBits.User);
        }

        guest.Pages.Map(away, second, PageBits.User);
        CallInTurn(guest, 4, 0, pair, again, away, mixed);

        Assert.Equal(4 * 103ul, guest.Read(Layout.Data));
    }

    /// <summary>Calls the places one after the other, so many times, with a value in RBX; keeps what they add up in RAX.</summary>
    private static void CallInTurn(Guest guest, int times, ulong value, params ulong[] places) => guest.Long(a =>
    {
        Label loop = a.CreateLabel();
        guest.ToUser();
        a.xor(eax, eax);
        a.mov(rbx, value);
        a.mov(ebp, times);
        a.Label(ref loop);
        foreach (ulong place in places)
        {
            a.mov(r8, place);
            a.call(r8);
        }

        a.dec(ebp);
        a.jne(loop);
        a.mov(rdi, Layout.User + Layout.Data);
        a.mov(__[rdi], rax);
        guest.UserExit();
    });

    private static Guest Prepare(string engine)
    {
        var guest = new Guest(engine);
        foreach (ulong place in s_places)
        {
            guest.Pages.Map(place, Layout.Free, PageBits.User);
            guest.Pages.Map(place + 0x1000, Layout.Free + 0x1000, PageBits.User);
            guest.CatchAt(place + 0x800, "resume", user: true);
        }

        guest.CatchAt(Layout.Free + 0x800, "resume");
        guest.Place(64, Function, a =>
        {
            Label start = a.CreateLabel(), near = a.CreateLabel(), loop = a.CreateLabel(), value = a.CreateLabel();
            a.Label(ref start);
            a.lea(r8, __[start]);
            a.sldt(eax); // not translated
            a.call(near);
            a.call(Helper);
            a.mov(ecx, 3);
            a.Label(ref loop);
            a.inc(r8);
            a.dec(ecx);
            a.jne(loop);
            a.jmp(Tail);
            a.Label(ref near);
            a.add(r8, __qword_ptr[value]);
            a.ret();
            a.Label(ref value);
            a.dq(0x55);
        });
        guest.Place(64, Tail, static a =>
        {
            a.mov(edx, 0x1122_3344);
            a.add(r8, rdx);
            a.jmp(Layout.Free + 0x800);
        });
        guest.Place(64, Layout.Free + 0x800, a =>
        {
            guest.Mark("ud2");
            a.ud2();
            guest.Mark("resume");
            a.mov(rax, r8);
            a.ret();
        });
        guest.Place(64, Helper, static a =>
        {
            a.add(r8, 0x66);
            a.ret();
        });
        return guest;
    }

    private static void Keep(Assembler a)
    {
        a.mov(__[r15], rax);
        a.add(r15, 8);
    }
}
