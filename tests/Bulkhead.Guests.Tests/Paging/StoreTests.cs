using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>Stores that do not go to one page of RAM: to a device, and over the end of a page.</summary>
public sealed class StoreTests
{
    private const ulong Value = 0x8877_6655_4433_2211;

    // RAX and the vector registers hold the value, RDI is where to; RCX counts up in what also reads.
    private static readonly (string Name, int Bytes, Action<Assembler> Code)[] s_stores =
    [
        ("mov al", 1, a => a.mov(__[rdi], al)),
        ("mov ah", 1, a => a.mov(__[rdi], ah)),
        ("mov ax", 2, a => a.mov(__[rdi], ax)),
        ("mov eax", 4, a => a.mov(__[rdi], eax)),
        ("mov rax", 8, a => a.mov(__[rdi], rax)),
        ("mov imm8", 1, a => a.mov(__byte_ptr[rdi], 0x5A)),
        ("mov imm16", 2, a => a.mov(__word_ptr[rdi], 0x5A5B)),
        ("mov imm32", 4, a => a.mov(__dword_ptr[rdi], 0x5A5B5C5D)),
        ("mov imm32 sign-extended", 8, a => a.mov(__qword_ptr[rdi], -2)),
        ("mov selector", 2, a => a.mov(__word_ptr[rdi], ss)),
        ("movups", 16, a => a.movups(__[rdi], xmm15)),
        ("movdqu", 16, a => a.movdqu(__[rdi], xmm15)),
        ("vmovups", 32, a => a.vmovups(__[rdi], ymm15)),
        ("vmovdqu xmm", 16, a => a.vmovdqu(__[rdi], xmm15)),
        ("movq", 8, a => a.movq(__[rdi], xmm15)),
        ("add", 8, a => a.add(__[rdi], rax)),
        ("lock xadd", 4, a => { a.mov(edx, eax); a.@lock.xadd(__[rdi], edx); }),
        ("push", 8, a => { a.lea(rsp, __[rdi + 8]); a.push(rax); }),
        ("setc", 1, a => { a.stc(); a.setc(__byte_ptr[rdi]); }),
    ];

    [Theory]
    [EngineSettings]
    public void Stores_OverTheEndOfAPage_ArriveWholeOrFault(string engine)
    {
        using Guest guest = new(engine);
        ulong expected = Layout.Free + 0x10_0000;
        for (ulong i = 0; i < (ulong)s_stores.Length; i++)
        {
            // One pair of pages is there, of the other only the first page.
            guest.Pages.Map(Layout.Own + (i << 14), Layout.Free + (i << 14));
            guest.Pages.Map(Layout.Own + (i << 14) + 0x1000, Layout.Free + (i << 14) + 0x1000);
            guest.Pages.Map(Layout.Own + (i << 14) + 0x2000, Layout.Free + (i << 14) + 0x2000);
        }

        guest.Long(a =>
        {
            a.mov(r15, rsp);
            Fill(a);
            for (int i = 0; i < s_stores.Length; i++)
            {
                ulong at = Layout.Own + ((ulong)i << 14);
                int before = s_stores[i].Bytes / 2;
                for (int pair = 0; pair < 2; pair++)
                {
                    a.mov(rax, Value);
                    a.mov(rdi, at + 0x1000 + ((ulong)pair * 0x2000) - (ulong)before);
                    if (s_stores[i].Bytes > 1 && pair == 1)
                    {
                        guest.Catch($"{s_stores[i].Name} there", () => s_stores[i].Code(a));
                    }
                    else if (pair == 0)
                    {
                        s_stores[i].Code(a);
                    }
                }

                a.mov(rax, Value);
                a.mov(rdi, expected + ((ulong)i << 6));
                s_stores[i].Code(a);
                a.mov(rsp, r15);
            }

            guest.Exit();
        });

        List<string> wanted = [], found = [], faults = [];
        for (int i = 0; i < s_stores.Length; i++)
        {
            int before = s_stores[i].Bytes / 2;
            ulong at = Layout.Free + ((ulong)i << 14);
            wanted.Add($"{s_stores[i].Name}: {Bytes(guest, expected + ((ulong)i << 6))} {new string('0', 64)}");
            found.Add($"{s_stores[i].Name}: {Bytes(guest, at + 0x1000 - (ulong)before)} {Bytes(guest, at + 0x2FE0)}");
            if (s_stores[i].Bytes > 1)
            {
                faults.Add($"14 (2) {Layout.Own + ((ulong)i << 14) + 0x3000:x}");
            }
        }

        Assert.Equal(wanted, found);
        Assert.Equal(faults, guest.Events.Select(e => $"{e.Vector} ({e.ErrorCode:x}) {e.Cr2:x}"));
    }

    [Theory]
    [EngineSettings]
    public void Stores_ToADevice_AreSeenOnceAndWhole(string engine)
    {
        using Guest guest = new(engine);
        guest.Device.OnRead = static _ => 0;
        guest.Long(a =>
        {
            a.mov(r15, rsp);
            Fill(a);
            for (int i = 0; i < s_stores.Length; i++)
            {
                a.mov(rax, Value);
                a.mov(rdi, Layout.Device + ((ulong)i << 6));
                s_stores[i].Code(a);
                a.mov(rsp, r15);
                a.mov(rax, Value);
                a.mov(rdi, Layout.Free + ((ulong)i << 6));
                s_stores[i].Code(a);
                a.mov(rsp, r15);
            }

            guest.Exit();
        });

        var written = guest.Device.Accesses.Where(static d => d.Write).ToList();
        Assert.Equal(
            s_stores.Select((s, i) => $"{s.Name}: {Bytes(guest, Layout.Free + ((ulong)i << 6))[..(2 * s.Bytes)]}"),
            s_stores.Select((s, i) => $"{s.Name}: {string.Concat(written.Where(d => (int)(d.Offset >> 6) == i).Select(Hex))}"));
    }

    private static string Hex((ulong Offset, int Size, bool Write, ulong Value) access) =>
        Convert.ToHexString(BitConverter.GetBytes(access.Value).AsSpan(0, access.Size));

    private static string Bytes(Guest guest, ulong at) =>
        string.Concat(Enumerable.Range(0, 4).Select(i => Convert.ToHexString(BitConverter.GetBytes(guest.Read(at + (8 * (ulong)i))))));

    private static void Fill(Assembler a)
    {
        a.mov(rax, Value);
        a.vmovq(xmm15, rax);
        a.vpbroadcastq(ymm15, xmm15);
        a.vpaddb(ymm15, ymm15, ymm15);
    }
}
