using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>At a fault the guest sees what the instruction found: no register and no byte is changed too early.</summary>
public sealed class ExactStateTests
{
    private const ulong Page = Layout.Own, Edge = Page + 0x1000, ReadOnly = Page + 0x4000;

    [Theory]
    [EngineSettings]
    public void Stack_Unmapped_LeavesRspAndOperands(string engine)
    {
        using Guest guest = Prepare(engine);
        const ulong stack = Layout.Absent + 0x1000;
        (string Name, uint Error, ulong Cr2, Action<Assembler> Code)[] cases =
        [
            ("push", 2, stack - 8, a => a.push(rbx)),
            ("push imm", 2, stack - 8, a => a.push(0x1234)),
            ("push memory", 2, stack - 8, a => a.push(__qword_ptr[Layout.Data])),
            ("push from absent", 0, Layout.Absent + 0x40, a => a.push(__qword_ptr[Layout.Absent + 0x40])),
            ("push16", 2, stack - 2, a => a.push(bx)),
            ("pushfq", 2, stack - 8, a => a.pushfq()),
            ("pop", 0, stack, a => a.pop(rbx)),
            ("pop memory", 0, stack, a => a.pop(__qword_ptr[Layout.Data])),
            ("popfq", 0, stack, a => a.popfq()),
            ("call", 2, stack - 8, a => a.call(Layout.Code)),
            ("call memory", 2, stack - 8, a => a.call(__qword_ptr[Layout.Data])),
            ("call from absent", 0, Layout.Absent + 0x40, a => a.call(__qword_ptr[Layout.Absent + 0x40])),
            ("ret", 0, stack, a => a.ret()),
            ("ret imm", 0, stack, a => a.ret(0x10)),
            ("retf", 0, stack, a => a.retf()),
            ("iretq", 0, stack, a => a.iretq()),
            ("leave", 0, Layout.Absent + 0x800, a => a.leave()),
            ("enter", 2, stack - 8, a => a.enter(0x20, 0)),
        ];
        guest.Long(a =>
        {
            a.mov(rbx, 0x1122_3344_5566_7788L);
            a.mov(rbp, Layout.Absent + 0x800);
            a.mov(rsp, stack);
            foreach ((string name, _, _, Action<Assembler> code) in cases)
            {
                guest.Catch(name, () => code(a));
            }

            a.mov(rsp, Layout.StackOf(0));
            guest.Exit();
        });

        guest.Expect([.. cases.Select(c => (14, (ulong)c.Error, c.Name))]);
        Assert.Equal(cases.Select(c => (c.Name, c.Cr2)), guest.Events.Select((e, i) => (cases[i].Name, e.Cr2)));
        Assert.All(guest.Events, e => Assert.Equal((stack, Layout.Absent + 0x800, 0x1122_3344_5566_7788ul), (e.Rsp, e.Rbp, e.Rbx)));
        Assert.Equal(0ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Run_OverTheEdgeOfAPage_StopsAtTheAccessThatFaults(string engine)
    {
        using Guest guest = Prepare(engine);
        const ulong stack = Layout.Own + 0x8000; // nothing below, a page from here
        guest.Pages.Map(stack, Layout.Free + 0x8000);
        guest.Long(a =>
        {
            a.mov(rbx, 0x1122_3344_5566_7788L);
            a.mov(rsi, stack);
            a.mov(r12d, 3);
            Label loop = a.CreateLabel();
            a.Label(ref loop);
            a.mov(rsp, stack + 16);
            guest.Catch("push", () =>
            {
                a.push(rbx);
                a.push(r9);
                a.add(r8d, 1);
                a.push(r10);
                a.push(rcx);
            });
            a.mov(rsp, stack + 0xFF0);
            guest.Catch("pop", () =>
            {
                a.pop(rdx);
                a.pop(r10);
                a.pop(rdi);
                a.pop(rbp);
            });
            a.lea(rdi, __[rsi + 8]);
            guest.Catch("fields", () =>
            {
                a.mov(__[rdi], rbx);
                a.sub(__dword_ptr[rdi - 4], 1);
                a.cmp(rbx, __[rdi - 8]);
                a.mov(__[rdi - 16], rbx);
                a.mov(__[rdi + 8], rcx);
            });
            a.mov(rsp, Layout.StackOf(0));
            a.dec(r12d);
            a.jne(loop);
            guest.Exit();
        });

        Assert.Equal(9, guest.Events.Count);
        for (int n = 0; n < 9; n += 3)
        {
            Assert.Equal((14, 2ul, stack - 8, stack), (guest.Events[n].Vector, guest.Events[n].ErrorCode, guest.Events[n].Cr2, guest.Events[n].Rsp));
            Assert.Equal((14, 0ul, stack + 0x1000, stack + 0x1000), (guest.Events[n + 1].Vector, guest.Events[n + 1].ErrorCode, guest.Events[n + 1].Cr2, guest.Events[n + 1].Rsp));
            Assert.Equal((14, 2ul, stack - 8, stack + 8), (guest.Events[n + 2].Vector, guest.Events[n + 2].ErrorCode, guest.Events[n + 2].Cr2, guest.Events[n + 2].Rdi));
        }

        Assert.Equal(0x1122_3344_5566_7788ul, guest.Read(Layout.Free + 0x8008));
    }

    /// <summary>Among accesses near one register, within a page and over the edge of one: a SIMD exception and a misaligned vector.</summary>
    [Theory]
    [EngineSettings]
    public void Run_ThatTraps_StopsAtTheInstructionThatDoes(string engine)
    {
        using Guest guest = Prepare(engine);
        const ulong inside = Layout.Data + 0x100, edge = Layout.Free + 0xFF0;
        guest.Long(a =>
        {
            a.mov(__dword_ptr[Layout.Data], 0x1D80); // MXCSR: divide by zero unmasked
            a.ldmxcsr(__dword_ptr[Layout.Data]);
            foreach (ulong at in new[] { inside, edge })
            {
                a.mov(rdi, at);
                a.mov(rax, 0x3FF0_0000_0000_0000L);
                a.mov(__[rdi], rax);
                a.mov(__qword_ptr[rdi + 24], 0);
                a.xor(edx, edx);
                a.mov(ecx, 7);
                a.cmp(ecx, 9); // CF, SF
                guest.Catch(() =>
                {
                    a.mov(rdx, __[rdi]);
                    a.movsd(xmm1, __qword_ptr[rdi]);
                    a.mov(__[rdi + 8], rcx);
                    guest.Mark($"divsd {at:x}");
                    a.divsd(xmm1, __qword_ptr[rdi + 24]);
                    a.mov(__[rdi + 8], rdx);
                    a.mov(rsi, __[rdi + 24]);
                });
                a.pushfq(); // the comparison's flags are live till here
                a.pop(rbp);
                guest.Catch(() =>
                {
                    a.mov(r10, __[rdi + 8]);
                    a.movups(xmm2, __xmmword_ptr[rdi]);
                    a.mov(__[rdi + 16], rdi);
                    guest.Mark($"movaps {at:x}");
                    a.movaps(__xmmword_ptr[rdi + 12], xmm2);
                    a.mov(__[rdi + 16], rcx);
                });
            }

            guest.Exit();
        });

        guest.Expect((19, 0, $"divsd {inside:x}"), (13, 0, $"movaps {inside:x}"), (19, 0, $"divsd {edge:x}"), (13, 0, $"movaps {edge:x}"));
        foreach (ulong at in new[] { inside, edge })
        {
            Assert.Equal((7ul, at), (guest.Read(at + 8), guest.Read(at + 16)));
        }

        Assert.All(guest.Events, static e => Assert.Equal(0x3FF0_0000_0000_0000ul, e.Rdx));
        Assert.All(guest.Events.Where(static e => e.Vector == 19), static e => Assert.Equal(0x81ul, e.Rflags & 0x8C5));
    }

    [Theory]
    [EngineSettings]
    public void PopMemory_IntoAnAbsentPage_LeavesRsp(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Long(a =>
        {
            a.push(0x55);
            guest.Catch("pop", () => a.pop(__qword_ptr[Layout.Absent]));
            a.mov(__qword_ptr[Layout.Data], rsp);
            a.pop(rbx);
            a.push(rbx);
            a.pop(__qword_ptr[rsp + 0x100]); // addressed after the pop
            guest.Exit();
        });

        guest.Expect((14, 2, "pop"));
        Assert.Equal(Layout.StackOf(0) - 8, guest.Event.Rsp);
        Assert.Equal(0x55ul, guest.Read(Layout.StackOf(0) + 0x100));
    }

    [Theory]
    [EngineSettings]
    public void ReadModifyWrite_OfAbsentAndReadOnlyPages_ChangesNothing(string engine)
    {
        using Guest guest = Prepare(engine);
        (string Name, Action<Assembler, AssemblerMemoryOperand> Code)[] cases =
        [
            ("add", (a, m) => a.add(__qword_ptr[m], rbx)),
            ("lock add", (a, m) => a.@lock.add(__qword_ptr[m], rbx)),
            ("inc", (a, m) => a.inc(__dword_ptr[m])),
            ("neg", (a, m) => a.neg(__byte_ptr[m])),
            ("xchg", (a, m) => a.xchg(__qword_ptr[m], rbx)),
            ("xadd", (a, m) => a.xadd(__qword_ptr[m], rbx)),
            ("cmpxchg", (a, m) => a.cmpxchg(__qword_ptr[m], rbx)), // does not match, and is a write all the same
            ("cmpxchg8b", (a, m) => a.cmpxchg8b(__[m])),
            ("cmpxchg16b", (a, m) => a.cmpxchg16b(__[m])),
            ("shl", (a, m) => a.shl(__qword_ptr[m], 3)),
            ("shld", (a, m) => a.shld(__qword_ptr[m], rbx, 3)),
            ("bts", (a, m) => a.bts(__qword_ptr[m], 3)),
            ("btr reg", (a, m) => a.btr(__qword_ptr[m], rcx)),
            ("setc", (a, m) => a.setc(__byte_ptr[m])),
            ("mov", (a, m) => a.mov(__qword_ptr[m], rbx)),
            ("movups", (a, m) => a.movups(__[m], xmm1)),
            ("vmovdqu", (a, m) => a.vmovdqu(__ymmword_ptr[m], ymm1)),
            ("fstp", (a, m) => a.fstp(__tbyte_ptr[m])),
            ("stosq", (a, m) => a.stosq()),
            ("movsq", (a, m) => a.movsq()),
        ];
        guest.Long(a =>
        {
            a.fninit();
            a.fld1();
            a.mov(rax, 0x1111L);
            a.mov(rbx, 0x2222L);
            a.mov(ecx, 5);
            a.mov(edx, 7);
            a.mov(esi, (int)Layout.Data);
            foreach (ulong at in new[] { Layout.Absent, ReadOnly })
            {
                a.mov(rdi, at);
                foreach ((string name, Action<Assembler, AssemblerMemoryOperand> code) in cases)
                {
                    a.stc();
                    guest.Catch($"{name} {at:x}", () => code(a, __[rdi]));
                }
            }

            a.fnstsw(ax);
            a.mov(__qword_ptr[Layout.Data + 8], rax);
            guest.Exit();
        });

        guest.Expect([
            .. cases.Select(c => (14, 2ul, $"{c.Name} {Layout.Absent:x}")),
            .. cases.Select(c => (14, 3ul, $"{c.Name} {ReadOnly:x}")),
        ]);
        for (int i = 0; i < guest.Events.Count; i++)
        {
            GuestEvent e = guest.Events[i];
            ulong at = i < cases.Length ? Layout.Absent : ReadOnly;
            Assert.Equal((at, at, 0x1111ul, 0x2222ul, 5ul, 7ul, Layout.Data), (e.Cr2, e.Rdi, e.Rax, e.Rbx, e.Rcx, e.Rdx, e.Rsi));
            if (engine == "exact-fault-flags")
            {
                Assert.Equal(Rflags.CF, e.Rflags & Rflags.CF);
            }
        }

        Assert.Equal(0x3800ul, guest.Read(Layout.Data + 8) & 0x3800); // FSTP never popped
        Assert.Equal(0xABul, guest.Read(Layout.Free + 0x4000));
    }

    [Theory]
    [EngineSettings]
    public void Stores_OverAPageEdge_WriteNothingWhenTheSecondPageFaults(string engine)
    {
        using Guest guest = Prepare(engine);
        (string Name, Action<Assembler> Code)[] cases =
        [
            ("mov", a => a.mov(__qword_ptr[rdi - 4], rbx)),
            ("add", a => a.add(__qword_ptr[rdi - 4], rbx)),
            ("lock xadd", a => a.@lock.xadd(__qword_ptr[rdi - 4], rbx)),
            ("xchg", a => a.xchg(__qword_ptr[rdi - 4], rbx)),
            ("push", a => a.push(rbx)),
            ("movups", a => a.movups(__[rdi - 8], xmm1)),
            ("vmovups", a => a.vmovups(__ymmword_ptr[rdi - 16], ymm1)),
            ("fstp", a => a.fstp(__tbyte_ptr[rdi - 4])),
            ("bts", a => a.bts(__qword_ptr[rdi - 4], 1)),
            ("sgdt", a => a.sgdt(__[rdi - 4])),
            ("cmpxchg8b", a => a.cmpxchg8b(__[rdi - 4])),
            ("movsq", a => { a.sub(rdi, 4); a.movsq(); }),
        ];
        guest.Long(a =>
        {
            a.fninit();
            a.fld1();
            a.mov(rbx, -1L);
            a.mov(rax, -1L);
            a.movq(xmm1, rax);
            a.movlhps(xmm1, xmm1);
            a.vinsertf128(ymm1, ymm1, xmm1, 1);
            a.mov(esi, (int)Layout.Data);
            a.mov(r15, rsp);
            foreach (ulong edge in new[] { Edge, ReadOnly })
            {
                a.mov(rdi, edge);
                a.lea(rsp, __[rdi + 4]);
                foreach ((string name, Action<Assembler> code) in cases)
                {
                    guest.Catch($"{name} {edge:x}", () => code(a));
                }
            }

            a.mov(rsp, r15);
            guest.Exit();
        });

        Assert.Equal([.. cases.Select(_ => (14, 2ul, Edge)), .. cases.Select(_ => (14, 3ul, ReadOnly))], guest.Events.Select(e => (e.Vector, e.ErrorCode, e.Cr2)));
        for (ulong page = 0; page < 0x4000; page += 0x3000)
        {
            for (ulong i = 0xFD0; i < 0x1000; i += 8)
            {
                Assert.Equal(0ul, guest.Read(Layout.Free + page + i));
            }
        }
    }

    [Theory]
    [EngineSettings]
    public void RepStrings_HalfDone_ShowHowFarTheyCame(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Memory.TryWrite(new(Layout.Free + 0xFF0), Enumerable.Range(1, 16).Select(i => (byte)i).ToArray());
        guest.Long(a =>
        {
            void Set(ulong source, ulong destination, int count)
            {
                a.mov(rsi, source);
                a.mov(rdi, destination);
                a.mov(ecx, count);
            }

            Set(Edge - 16, Layout.Data, 5);
            guest.Catch("movsq source", () => a.rep.movsq());
            Set(Layout.Data + 0x100, Page + 0xFE0, 100);
            guest.Catch("movsb destination", () => a.rep.movsb());
            a.mov(al, 3);
            Set(0, Page + 0xFD0, 0x20);
            guest.Catch("stosw", () => a.rep.stosw());
            Set(Page + 0xFFE, Layout.Data, 4);
            guest.Catch("lodsb", () => a.rep.lodsb());
            a.mov(al, 0xEE);
            Set(0, Page + 0xF00, 0x200);
            guest.Catch("scasb", () => a.repne.scasb());
            Set(Page + 0xF00, Page + 0xF00, 0x200);
            guest.Catch("cmpsd", () => a.repe.cmpsd());

            // Downwards from the page behind an absent one.
            a.std();
            Set(Layout.Data + 0x200, Page + 0x2004, 4);
            guest.Catch("movsd down", () => a.rep.movsd());
            a.cld();

            // Nothing to do: nothing is touched.
            Set(Layout.Absent, Layout.Absent, 0);
            a.rep.movsb();
            a.rep.stosq();
            a.repe.cmpsb();
            guest.Exit();
        });

        guest.Expect(
            (14, 0, "movsq source"), (14, 2, "movsb destination"), (14, 2, "stosw"), (14, 0, "lodsb"), (14, 0, "scasb"), (14, 0, "cmpsd"), (14, 2, "movsd down"));
        Assert.Equal(
            [
                (3ul, Edge, Layout.Data + 16, Edge),
                (68ul, Layout.Data + 0x120, Edge, Edge),
                (8ul, 0ul, Edge, Edge),
                (2ul, Edge, Layout.Data, Edge),
                (0x100ul, 0ul, Edge, Edge),
                (0x1C0ul, Edge, Edge, Edge),
                (2ul, Layout.Data + 0x1F8, Page + 0x1FFC, Page + 0x1FFC),
            ],
            guest.Events.Select(e => (e.Rcx, e.Rsi, e.Rdi, e.Cr2)));
    }

    [Theory]
    [EngineSettings]
    public void StateSaves_OverAPageEdge_FaultBeforeAnyRegisterChanges(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Long(a =>
        {
            a.mov(rdi, Edge);
            a.mov(eax, 0x1234);
            a.movd(xmm3, eax);
            a.mov(eax, 7);
            a.xor(edx, edx);
            guest.Catch("fxsave", () => a.fxsave64(__[rdi - 0x100]));
            guest.Catch("fxrstor", () => a.fxrstor64(__[rdi - 0x100]));
            guest.Catch("xsave", () => a.xsave64(__[rdi - 0x240]));
            guest.Catch("xrstor", () => a.xrstor64(__[rdi - 0x200]));
            guest.Catch("fnsave", () => a.fnsave(__[rdi - 0x40]));
            guest.Catch("fnstenv", () => a.fnstenv(__[rdi - 0x8]));
            guest.Catch("fldenv", () => a.fldenv(__[rdi - 0x8]));
            guest.Catch("frstor", () => a.frstor(__[rdi - 0x40]));
            guest.Catch("lgdt", () => a.lgdt(__[rdi - 4]));
            a.lea(rbx, __[rdi - 7]);
            guest.Catch("xlat", () => a.xlatb());
            guest.Catch("fld", () => a.fld(__tbyte_ptr[rdi - 4]));
            guest.Catch("clflush", () => a.clflush(__[rdi]));
            a.prefetcht0(__[rdi]);
            a.prefetchw(__[rdi]);
            a.sgdt(__[Layout.Data]);
            a.movd(__dword_ptr[Layout.Data + 16], xmm3);
            guest.Exit();
        });

        guest.Expect(
            (14, 2, "fxsave"), (14, 0, "fxrstor"), (14, 2, "xsave"), (14, 0, "xrstor"), (14, 2, "fnsave"), (14, 2, "fnstenv"), (14, 0, "fldenv"),
            (14, 0, "frstor"), (14, 0, "lgdt"), (14, 0, "xlat"), (14, 0, "fld"), (14, 0, "clflush"));
        Assert.All(guest.Events, e => Assert.InRange(e.Cr2, Edge, Edge + 0x1F8));
        Assert.Equal(0xFFF | (Layout.Gdt << 16), guest.Read(Layout.Data));
        Assert.Equal(0x1234ul, guest.Read(Layout.Data + 16));
    }

    [Theory]
    [EngineSettings]
    public void Gather_WithAFaultingMiddleLane_KeepsTheLanesBefore(string engine)
    {
        using Guest guest = Prepare(engine);
        for (ulong i = 0; i < 8; i++)
        {
            guest.Write32(Layout.Free + (8 * i), 0x100 + (uint)i);
            guest.Write32(Layout.Data + (4 * i), i == 3 ? 0x400u : 2 * (uint)i); // lane 3 lies in the absent page
            guest.Write32(Layout.Data + 0x20 + (4 * i), i == 1 ? 0 : 0x8000_0000u); // lane 1 is off
        }

        guest.Long(a =>
        {
            a.mov(rbx, Page);
            a.vmovdqu(ymm1, __[Layout.Data]);
            a.vmovdqu(ymm2, __[Layout.Data + 0x20]);
            a.vpcmpeqd(ymm0, ymm0, ymm0);
            guest.Catch("gather", () => a.vpgatherdd(ymm0, __[rbx + (ymm1 * 4)], ymm2));
            a.vmovdqu(__ymmword_ptr[Layout.Data + 0x40], ymm0);
            a.vmovdqu(__ymmword_ptr[Layout.Data + 0x60], ymm2);

            // Mended, it goes on where it stopped.
            a.mov(__dword_ptr[Layout.Data + 12], 6);
            a.vmovdqu(ymm1, __[Layout.Data]);
            a.vpgatherdd(ymm0, __[rbx + (ymm1 * 4)], ymm2);
            a.vmovdqu(__ymmword_ptr[Layout.Data + 0x80], ymm0);
            a.vmovdqu(__ymmword_ptr[Layout.Data + 0xA0], ymm2);
            guest.Exit();
        });

        guest.Expect((14, 0, "gather"));
        Assert.Equal(Edge, guest.Event.Cr2);
        uint[] Lanes(ulong at) => [.. Enumerable.Range(0, 8).Select(i => (uint)guest.Read(Layout.Data + at + (4 * (ulong)i)))];
        Assert.Equal([0x100u, ~0u, 0x102u], Lanes(0x40)[..3]);
        Assert.Equal([0u, 0u, 0u], Lanes(0x60)[..3]);
        Assert.All(Lanes(0x60)[3..], lane => Assert.NotEqual(0u, lane & 0x8000_0000));
        Assert.Equal([0x100u, ~0u, 0x102u, 0x103u, 0x104u, 0x105u, 0x106u, 0x107u], Lanes(0x80));
        Assert.All(Lanes(0xA0), lane => Assert.Equal(0u, lane));
    }

    [Theory]
    [EngineSettings]
    public void MaskedMoves_WithMaskedLanesInAnAbsentPage_DoNotFault(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Write(Layout.Data, 0x8000_0000_8000_0000); // lanes 0, 1
        guest.Write(Layout.Data + 0x20, 0x8000_0000_8000_0000); // lanes 0, 1, 2
        guest.Write(Layout.Data + 0x28, 0x0000_0000_8000_0000);
        guest.Write(Layout.Data + 0x40, 0x8080_8080_8080_8080);
        guest.Write(Layout.Free + 0xFF8, 0x1111_1111_2222_2222);
        guest.Long(a =>
        {
            a.mov(rdi, Edge - 8);
            a.vmovdqu(ymm1, __[Layout.Data]);
            a.vmovdqu(ymm2, __[Layout.Data + 0x20]);
            a.movdqu(xmm4, __[Layout.Data + 0x40]);
            a.vmaskmovps(ymm0, ymm1, __ymmword_ptr[rdi]);
            a.vmovdqu(__ymmword_ptr[Layout.Data + 0x60], ymm0);
            guest.Catch("load", () => a.vmaskmovps(ymm0, ymm2, __ymmword_ptr[rdi]));
            a.vmovdqu(__ymmword_ptr[Layout.Data + 0x80], ymm0);
            a.vpcmpeqd(ymm3, ymm3, ymm3);
            guest.Catch("store", () => a.vmaskmovps(__ymmword_ptr[rdi], ymm2, ymm3));
            a.mov(rax, __[rdi]);
            a.mov(__[Layout.Data + 0xA0], rax); // nothing of the store that faulted
            a.vmaskmovps(__ymmword_ptr[rdi], ymm1, ymm3);
            a.mov(rax, __[rdi]);
            a.mov(__[Layout.Data + 0xA8], rax);
            a.pxor(xmm5, xmm5);
            a.maskmovdqu(xmm5, xmm4); // the upper half of the mask is zero
            a.mov(rax, __[rdi]);
            a.mov(__[Layout.Data + 0xB0], rax);
            a.pxor(xmm6, xmm6);
            a.mov(rdi, Layout.Absent);
            a.maskmovdqu(xmm5, xmm6);
            a.vpxor(ymm1, ymm1, ymm1);
            a.vpmaskmovq(__ymmword_ptr[rdi], ymm1, ymm3);
            guest.Exit();
        });

        guest.Expect((14, 0, "load"), (14, 2, "store"));
        Assert.All(guest.Events, e => Assert.Equal(Edge, e.Cr2));
        Assert.Equal((0x1111_1111_2222_2222ul, 0ul), (guest.Read(Layout.Data + 0x60), guest.Read(Layout.Data + 0x68)));
        Assert.Equal(0x1111_1111_2222_2222ul, guest.Read(Layout.Data + 0x80));
        Assert.Equal(0x1111_1111_2222_2222ul, guest.Read(Layout.Data + 0xA0));
        Assert.Equal(ulong.MaxValue, guest.Read(Layout.Data + 0xA8));
        Assert.Equal(0ul, guest.Read(Layout.Data + 0xB0));
    }

    [Theory]
    [EngineSettings]
    public void Pusha_IntoAnAbsentPage_LeavesEsp(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Pages.Map(0x6000_1000, Layout.Free + 0x8000);
        guest.Place(32, Layout.Code32, a =>
        {
            a.mov(eax, Layout.KernelDs);
            a.mov(ss, eax);
            a.mov(ds, eax);
            a.mov(esp, 0x6000_1010);
            guest.Catch("pusha", () => a.pushad());
            a.mov(esp, 0x6000_1FF0);
            guest.Catch("popa", () => a.popad());
            a.mov(esp, 0x6000_1008);
            guest.Catch("enter", () => a.enter(0x10, 2));
            a.mov(esp, (int)Layout.StackOf(0));
            guest.Exit();
        });
        guest.Long(a =>
        {
            a.push(Layout.Code32Cs);
            a.push((int)Layout.Code32);
            a.mov(ebp, 0x6000_1800);
            a.db(0x48, 0xCB);
        });

        guest.Expect((14, 2, "pusha"), (14, 0, "popa"), (14, 2, "enter"));
        Assert.Equal([0x6000_1010ul, 0x6000_1FF0, 0x6000_1008], guest.Events.Select(e => e.Rsp));
        Assert.All(guest.Events, e => Assert.Equal(0x6000_1800ul, e.Rbp));
        Assert.Equal(0ul, guest.Read(Layout.Free + 0x8000));
    }

    /// <summary>A page, an absent one, two more present, and a read-only one behind them.</summary>
    private static Guest Prepare(string engine)
    {
        Guest guest = new(engine);
        guest.Pages.Map(Page, Layout.Free);
        guest.Pages.Map(Page + 0x2000, Layout.Free + 0x2000);
        guest.Pages.Map(Page + 0x3000, Layout.Free + 0x3000);
        guest.Pages.Map(ReadOnly, Layout.Free + 0x4000, PageBits.P);
        guest.Write(Layout.Free + 0x4000, 0xAB);
        return guest;
    }
}
