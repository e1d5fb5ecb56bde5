using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>Every combination of rights at two levels and three page sizes, of CPL, access and control bits.</summary>
public sealed class PermissionTests
{
    private const ulong Results = Layout.Data + 0x1_0000, Addresses = Layout.Data;
    private const int FirstSlot = 16;
    private const ulong Target = Layout.Free; // holds a RET

    // Bits 0-3 of a combination.
    private static readonly PageBits[] s_bits = [PageBits.P, PageBits.W, PageBits.U, PageBits.NX];

    [Theory]
    [EngineSettings]
    public void Accesses_OfEveryKind_AreAnsweredAsTheManualSays(string engine)
    {
        using Guest guest = new(engine);
        List<(ulong Address, PageBits Upper, PageBits Leaf, int Shift)> pages = Build(guest);
        PermissionModel[] models = [.. Enumerable.Range(0, 16).Select(i => new PermissionModel((i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0))];
        guest.Gate(14, Layout.Code + 0x8_0000, ist: 1);
        guest.Place(64, Layout.Code + 0x8_0000, Handler);
        guest.Gate(0x40, 0, dpl: 3); // set by the guest before it goes to user code
        guest.Long(a =>
        {
            a.mov(r15, Results);
            foreach (PermissionModel model in models)
            {
                Configure(a, model);
                Accesses(a, 0, ac: false, pages.Count);
                Accesses(a, 0, ac: true, pages.Count);
                Label back = a.CreateLabel();
                a.lea(rax, __[back]);
                a.mov(__word_ptr[Layout.Idt + (0x40 * 16)], ax);
                a.shr(rax, 16);
                a.mov(__word_ptr[Layout.Idt + (0x40 * 16) + 6], ax);
                guest.ToUser();
                a.mov(eax, (int)Layout.User);
                a.add(r15, rax);
                Accesses(a, Layout.User, ac: false, pages.Count);
                a.mov(eax, (int)Layout.User);
                a.sub(r15, rax);
                a.@int(0x40);
                a.Label(ref back);
                a.mov(rsp, Layout.StackOf(0));
            }

            guest.Exit();
        });

        ulong at = Results;
        var wrong = new List<string>();
        foreach (PermissionModel model in models)
        {
            foreach ((bool user, bool ac) in new[] { (false, false), (false, true), (true, false) })
            {
                for (int kind = 0; kind < 3; kind++)
                {
                    foreach ((ulong address, PageBits upper, PageBits leaf, int shift) in pages)
                    {
                        int expected = model.Answer(upper, leaf, user, write: kind == 1, fetch: kind == 2, ac);
                        int seen = (int)(guest.Read(at) & 0xFF) - 1;
                        at++;
                        if (seen != expected && wrong.Count < 20)
                        {
                            wrong.Add($"{model} user {user} ac {ac} kind {kind} upper {upper} leaf {leaf} 2^{shift} at {address:x}: {seen:x}, should be {expected:x}");
                        }
                    }
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static PageBits Bits(int combination) =>
        s_bits.Where((_, i) => (combination & (1 << i)) != 0).Aggregate(PageBits.None, static (all, bit) => all | bit);

    /// <summary>Maps every combination and lists the addresses for the guest.</summary>
    private static List<(ulong Address, PageBits Upper, PageBits Leaf, int Shift)> Build(Guest guest)
    {
        guest.Write(Target, 0xC3);
        var pages = new List<(ulong, PageBits, PageBits, int)>();
        ulong pointers = guest.NewPage(), directory = guest.NewPage(), table = guest.NewPage();
        guest.Write(pointers, directory | (ulong)PageBits.User);
        guest.Write(directory, table | (ulong)PageBits.User);
        for (int leaf = 0; leaf < 16; leaf++)
        {
            ulong bits = (ulong)Bits(leaf);
            guest.Write(table + (8 * (ulong)leaf), Target | bits);
            guest.Write(directory + (8 * (ulong)(leaf + 1)), Target | bits | (ulong)PageBits.PS);
            guest.Write(pointers + (8 * (ulong)(leaf + 1)), bits | (ulong)PageBits.PS);
        }

        for (int upper = 0; upper < 16; upper++)
        {
            ulong va = (ulong)(FirstSlot + upper) << 39;
            guest.Write(guest.Pages.Root + ((va >> 39) * 8), pointers | (ulong)Bits(upper));
            for (ulong leaf = 0; leaf < 16; leaf++)
            {
                pages.Add((va | (leaf << 12), Bits(upper), Bits((int)leaf), 12));
                pages.Add((va | ((leaf + 1) << 21), Bits(upper), Bits((int)leaf), 21));
                pages.Add((va | ((leaf + 1) << 30) | Target, Bits(upper), Bits((int)leaf), 30));
            }
        }

        for (int i = 0; i < pages.Count; i++)
        {
            guest.Write(Addresses + (8 * (ulong)i), pages[i].Item1);
        }

        return pages;
    }

    private static void Configure(Assembler a, PermissionModel model)
    {
        a.mov(rax, cr0);
        a.and(rax, ~(int)Cr0.WP);
        a.or(rax, model.Wp ? (int)Cr0.WP : 0);
        a.mov(cr0, rax);
        a.mov(rax, cr4);
        a.and(rax, ~(int)(Cr4.SMEP | Cr4.SMAP));
        a.or(rax, (int)((model.Smep ? Cr4.SMEP : 0) | (model.Smap ? Cr4.SMAP : 0)));
        a.mov(cr4, rax);
        a.mov(ecx, 0xC000_0080);
        a.rdmsr();
        a.and(eax, ~(int)Efer.NXE);
        a.or(eax, model.Nxe ? (int)Efer.NXE : 0);
        a.wrmsr();
    }

    /// <summary>Reads, writes and calls every page; a byte each: 0 for done, else the error code and one.</summary>
    private static void Accesses(Assembler a, ulong alias, bool ac, int count)
    {
        for (int kind = 0; kind < 3; kind++)
        {
            Label loop = a.CreateLabel(), next = a.CreateLabel();
            a.mov(rsi, alias + Addresses);
            a.mov(ecx, count);
            a.lea(r12, __[next]);
            a.mov(r13, rsp);
            if (ac)
            {
                a.pushfq();
                a.or(__dword_ptr[rsp], (int)Rflags.AC);
                a.popfq();
            }

            a.Label(ref loop);
            a.lodsq();
            a.mov(rdx, rax);
            a.xor(ebx, ebx);
            switch (kind)
            {
                case 0:
                    a.mov(eax, __[rdx]);
                    break;
                case 1:
                    a.mov(__byte_ptr[rdx], 0xC3);
                    break;
                default:
                    a.call(rdx);
                    break;
            }

            a.Label(ref next);
            a.mov(__byte_ptr[r15], bl);
            a.inc(r15);
            a.dec(ecx);
            a.jne(loop);
            if (ac)
            {
                a.pushfq();
                a.and(__dword_ptr[rsp], ~(int)Rflags.AC);
                a.popfq();
            }
        }
    }

    /// <summary>Goes on at R12 with the stack pointer R13 and BL = the error code and one; CR2 must be RDX.</summary>
    private static void Handler(Assembler a)
    {
        Label bad = a.CreateLabel();
        a.mov(rbx, cr2);
        a.cmp(rbx, rdx);
        a.jne(bad);
        a.mov(ebx, __[rsp]);
        a.inc(ebx);
        a.mov(__[rsp + 8], r12);
        a.mov(__[rsp + 32], r13);
        a.add(rsp, 8);
        a.iretq();
        a.Label(ref bad);
        a.mov(eax, Handlers.Unexpected);
        a.@out(0xF4, eax);
        a.hlt();
    }
}
