using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

public sealed class AccessedDirtyTests
{
    private const ulong AD = (ulong)(PageBits.A | PageBits.D);
    private const ulong A = (ulong)PageBits.A;

    [Theory]
    [EngineSettings]
    public void Accesses_ByKind_SetTheBitsTheyShould(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(Layout.Free, 0xC3);
        for (ulong i = 0; i < 16; i++)
        {
            guest.Pages.Map(Layout.Own + (i << 12), Layout.Free + (i << 12), i == 6 ? PageBits.P : PageBits.Kernel);
        }

        (string Name, ulong Expected, Action<Assembler> Code)[] cases =
        [
            ("fetch", A, a => a.call(rdi)),
            ("read", A, a => a.mov(rax, __[rdi])),
            ("write", AD, a => a.mov(__[rdi], rax)),
            ("read, then write", AD, a => { a.mov(rax, __[rdi]); a.mov(__[rdi + 8], rax); }),
            ("cmpxchg that fails", AD, a => a.cmpxchg(__qword_ptr[rdi], rcx)),
            ("push", AD, a => { a.lea(rsp, __[rdi + 0x800]); a.push(rax); }),
            ("write that faults", 0, a => guest.Catch("ro", () => a.mov(__[rdi], rax))),
            ("rep movs source", A, a => { a.mov(rsi, rdi); a.mov(edi, (int)Layout.Data); a.mov(ecx, 8); a.rep.movsb(); }),
            ("rep stos", AD, a => { a.mov(ecx, 8); a.rep.stosb(); }),
            ("sse load", A, a => a.movups(xmm0, __[rdi])),
            ("bts", AD, a => a.bts(__qword_ptr[rdi], rcx)),
            ("bt", A, a => a.bt(__qword_ptr[rdi], rcx)),
            ("sgdt", AD, a => a.sgdt(__[rdi])),
            ("lgdt operand", A, a => { a.sgdt(__[Layout.Data + 0x10]); a.cmp(__byte_ptr[rdi], 0); }),
            ("test", A, a => a.test(__byte_ptr[rdi], 1)),
        ];
        guest.Long(a =>
        {
            a.mov(r15, rsp);
            for (int i = 0; i < cases.Length; i++)
            {
                a.mov(rdi, Layout.Own + ((ulong)i << 12));
                a.xor(ecx, ecx);
                a.xor(eax, eax);
                a.inc(eax);
                cases[i].Code(a);
                a.mov(rsp, r15);
            }

            guest.Exit();
        });

        Assert.Equal(
            cases.Select(c => $"{c.Name}: {c.Expected:x}"),
            cases.Select((c, i) => $"{c.Name}: {guest.Pages[Layout.Own + ((ulong)i << 12)] & AD:x}"));

        // The levels above are marked accessed; bit 6 means nothing there and stays.
        foreach (int shift in new[] { 21, 30, 39 })
        {
            Assert.Equal(A, guest.Pages.Read(guest.Pages.EntryAddress(Layout.Own, shift)) & AD);
        }
    }

    [Theory]
    [EngineSettings]
    public void Bits_ClearedAndFlushed_AreSetAgain(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(Layout.Own, Layout.Free);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        ulong large = guest.Pages.EntryAddress(Layout.Free, 21);
        guest.Long(a =>
        {
            a.mov(rdi, Layout.Own);
            a.mov(rbx, Layout.Data);
            void Take(ulong at)
            {
                a.mov(rax, __[at]);
                a.mov(__[rbx], rax);
                a.add(rbx, 8);
            }

            a.mov(__dword_ptr[rdi], 1);
            Take(entry);
            a.and(__dword_ptr[entry], ~(int)PageBits.D);
            a.invlpg(__[rdi]);
            a.mov(eax, __[rdi]);
            Take(entry);
            a.mov(__dword_ptr[rdi], 1);
            Take(entry);
            a.and(__dword_ptr[entry], ~(int)AD);
            a.mov(rax, cr3);
            a.mov(cr3, rax);
            a.mov(eax, __[rdi]);
            Take(entry);
            a.@lock.inc(__dword_ptr[rdi]);
            Take(entry);

            // A large page, one store in it.
            a.mov(__dword_ptr[Layout.Free + 0x1_2345], 1);
            Take(large);
            a.and(__dword_ptr[large], ~(int)AD);
            a.invlpg(__[Layout.Free + 0x1_2345]);
            a.mov(eax, __[Layout.Free + 0x1_2345]);
            Take(large);
            guest.Exit();
        });

        Assert.Equal([AD, A, AD, A, AD, AD, A], Enumerable.Range(0, 7).Select(i => guest.Read(Layout.Data + (8 * (ulong)i)) & AD));
    }
}
