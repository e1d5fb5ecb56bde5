using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>Two address spaces with identifiers, between which the guest changes without a flush: what it knew of one is true when it is
/// back, and what was flushed meanwhile is not.</summary>
public sealed class SpacesTests
{
    private const byte Back = 0x60;
    private const ulong NoFlush = 1ul << 63;

    // Pages of both spaces: user code, a function of it, its stack, its data. Function and data are two pages, and a third that comes later.
    private const ulong Entry = Layout.Own, Function = Layout.Own + 0x1000, Stack = Layout.Own + 0x2000, Data = Layout.Own + 0x3000;
    private const ulong Functions = Layout.Free + 0x1000, DataPages = Layout.Free + 0x8000, Found = Layout.Free + 0x20_0000, Descriptor = Layout.Data;

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        foreach (string engine in (IEnumerable<string>)[.. EngineSettingsAttribute.All, "parked-spaces=off"])
        {
            foreach (string change in (ReadOnlySpan<string>)["nothing", "flush", "address", "space", "all", "locals", "page", "pge", "code"])
            {
                cases.Add(engine, change, 2);
            }

            cases.Add(engine, "nothing", 9);
            cases.Add(engine, "address", 9);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Returning_AfterAChange_FindsWhatIsTrue(string engine, string change, int other)
    {
        using Guest guest = new(engine);
        PageTables[] spaces = [NewSpace(guest, 0), NewSpace(guest, 1)];
        ulong[] names = [spaces[0].Root | 1, spaces[1].Root | (uint)other];
        for (int i = 0; i < 3; i++)
        {
            guest.Place(64, Functions + (0x1000 * (ulong)i), a =>
            {
                a.mov(eax, i + 1);
                a.ret();
            });
        }

        guest.Place(64, Layout.Free, a =>
        {
            a.mov(rax, Function);
            a.call(rax);
            a.mov(edi, eax);
            a.mov(rax, Function);
            a.call(rax);
            a.add(edi, eax);
            a.mov(rsi, Data);
            a.add(__qword_ptr[rsi], 1);
            a.mov(r8, __[rsi]);
            a.@int(Back);
        });

        List<(ulong Code, ulong Data)> wanted = [];
        (ulong[] code, int[] page, ulong[] counts) = ([1, 2], [0, 1], [0, 0, 0]);
        guest.Place(64, Layout.Code, a =>
        {
            Label back = a.CreateLabel(), begin = a.CreateLabel();
            a.jmp(begin);
            guest.Mark("back");
            a.Label(ref back);
            a.mov(rsp, r15);
            a.mov(__[r13], rdi);
            a.mov(__[r13 + 8], r8);
            a.add(r13, 16);
            a.jmp(r14);
            a.Label(ref begin);
            a.mov(r15, rsp);
            a.mov(r13, Found);
            a.mov(rax, cr4);
            a.or(rax, (int)Cr4.PCIDE);
            a.mov(cr4, rax);
            for (int i = 0; i < 8; i++)
            {
                Visit(i & 1, keeps: i > 1);
            }

            Change();
            for (int i = 0; i < 8; i++)
            {
                Visit(i & 1, keeps: true);
            }

            guest.Exit();

            void Visit(int space, bool keeps)
            {
                Load(space, keeps);
                Run(space);
            }

            void Load(int space, bool keeps)
            {
                a.mov(rax, names[space] | (keeps ? NoFlush : 0));
                a.mov(cr3, rax);
            }

            void Run(int space)
            {
                Label next = a.CreateLabel();
                a.lea(r14, __[next]);
                a.push(Layout.UserDs);
                a.mov(rax, Stack + 0x1000);
                a.push(rax);
                a.push(0x202);
                a.push(Layout.UserCs);
                a.mov(rax, Entry);
                a.push(rax);
                a.iretq();
                a.Label(ref next);
                a.nop();
                wanted.Add((2 * code[space], ++counts[page[space]]));
            }

            // In the second space; of the first.
            void Change()
            {
                if (change == "page")
                {
                    Load(0, keeps: true);
                }

                if (change == "code")
                {
                    a.mov(__dword_ptr[Functions + 1], 7);
                    code[0] = 7;
                    return;
                }

                if (change != "nothing")
                {
                    a.mov(__dword_ptr[spaces[0].EntryAddress(Function, 12)], (int)(Functions + 0x2000 | (ulong)PageBits.User));
                    a.mov(__dword_ptr[spaces[0].EntryAddress(Data, 12)], (int)(DataPages + 0x2000 | (ulong)PageBits.User));
                    (code[0], page[0]) = (3, 2);
                }

                switch (change)
                {
                    case "flush":
                        Load(0, keeps: false);
                        Run(0);
                        break;
                    case "address":
                        Invalidate(0, Function);
                        Invalidate(0, Data);
                        break;
                    case "space":
                        Invalidate(1, 0);
                        break;
                    case "all":
                        Invalidate(2, 0);
                        break;
                    case "locals":
                        Invalidate(3, 0);
                        break;
                    case "page":
                        foreach (ulong address in (ReadOnlySpan<ulong>)[Function, Data])
                        {
                            a.mov(rax, address);
                            a.invlpg(__[rax]);
                        }

                        Run(0);
                        break;
                    case "pge":
                        a.mov(rax, cr4);
                        a.btr(rax, 7);
                        a.mov(cr4, rax);
                        a.bts(rax, 7);
                        a.mov(cr4, rax);
                        break;
                }
            }

            void Invalidate(int type, ulong address)
            {
                a.mov(__dword_ptr[Descriptor], 1);
                a.mov(rax, address);
                a.mov(__[Descriptor + 8], rax);
                a.mov(eax, type);
                a.mov(ecx, (int)Descriptor);
                a.invpcid(rax, __[rcx]);
            }
        });

        guest.Gate(Back, guest.At("back"), dpl: 3);
        guest.EnterLong(0, Layout.Code);
        guest.Cpu().Cr3 = spaces[0].Root;
        Assert.Equal(1, guest.Run().ExitCode);
        Assert.Equal(wanted, wanted.Select((_, i) => (guest.Read(Found + (16 * (ulong)i)), guest.Read(Found + (16 * (ulong)i) + 8))));
        Assert.Empty(guest.Events);
    }

    // The kernel's pages are global, as an operating system's are.
    private static PageTables NewSpace(Guest guest, int number)
    {
        var tables = new PageTables(guest.Memory, guest.NewPage);
        tables.MapRange(0, 0, Layout.Ram, PageBits.Kernel | PageBits.G, 21);
        tables.Map(Layout.LocalApic, Layout.LocalApic, PageBits.Kernel | PageBits.G, 21);
        tables.Map(Entry, Layout.Free, PageBits.User);
        tables.Map(Stack, Layout.Free + 0x7000, PageBits.User);
        tables.Map(Function, Functions + (0x1000 * (ulong)number), PageBits.User);
        tables.Map(Data, DataPages + (0x1000 * (ulong)number), PageBits.User);
        return tables;
    }
}
