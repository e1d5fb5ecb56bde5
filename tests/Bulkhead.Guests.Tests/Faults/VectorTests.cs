using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>Which exception, with which error code, at which RIP.</summary>
public sealed class VectorTests
{
    private const ulong NonCanonical = 0x8000_0000_0000;

    [Theory]
    [EngineSettings]
    public void DivideError_ByZeroAndOverflow_LeavesEverythingAsItWas(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(rax, 0x1111_2222_3333_4444L);
            a.mov(rdx, 0x5555_6666_7777_8888L);
            a.xor(ecx, ecx);
            a.stc();
            guest.Catch("by zero", () => a.div(ecx));
            a.mov(rcx, 1L);
            guest.Catch("overflow", () => a.div(rcx));
            a.mov(rax, 0x8000_0000L);
            a.mov(edx, -1);
            a.mov(ebx, -1);
            a.mov(__dword_ptr[Layout.Data], ebx);
            guest.Catch("signed", () => a.idiv(__dword_ptr[Layout.Data]));
            guest.Exit();
        });

        guest.Expect((0, 0, "by zero"), (0, 0, "overflow"), (0, 0, "signed"));
        GuestEvent first = guest.Events[0];
        Assert.Equal((0x1111_2222_3333_4444ul, 0x5555_6666_7777_8888ul, Layout.StackOf(0)), (first.Rax, first.Rdx, first.Rsp));
        Assert.Equal(Rflags.CF | Rflags.RF | Rflags.Fixed, first.Rflags & (Rflags.CF | Rflags.RF | Rflags.Fixed | Rflags.IF));
        Assert.Equal(((ulong)Layout.KernelCs, (ulong)Layout.KernelDs), (first.Cs, first.Ss));
    }

    [Theory]
    [EngineSettings]
    public void Traps_BreakpointAndIcebp_SaveTheNextRip(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(rax, rsp);
            a.int3();
            guest.Mark("after int3");
            a.db(0xCD, 0x03);
            guest.Mark("after int 3");
            a.int1();
            guest.Mark("after icebp");
            a.mov(rbx, dr6);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        guest.Expect((3, 0, "after int3"), (3, 0, "after int 3"), (1, 0, "after icebp"));
        Assert.All(guest.Events, e => Assert.Equal(0ul, e.Rflags & Rflags.RF));
        Assert.Equal(0xFFFF_0FF0ul, guest.Read(Layout.Data)); // INT1 sets no bit of DR6
    }

    [Theory]
    [EngineSettings]
    public void InvalidOpcode_ForWhatLongModeOrThisProcessorLacks_IsRaised(string engine)
    {
        byte[][] invalid =
        [
            [0x0F, 0x0B], // UD2
            [0x0F, 0xFF, 0xC0], // UD0
            [0x06], // PUSH ES
            [0x27], // DAA
            [0xCE], // INTO
            [0x62, 0x00], // BOUND's opcode is EVEX here
            [0x9A, 0, 0, 0, 0, 0, 0], // CALL ptr16:32
            [0xEA, 0, 0, 0, 0, 0, 0],
            [0xD4, 0x0A], // AAM
            [0x60], // PUSHA
            [0x8E, 0xC8], // MOV CS, AX
            [0xF0, 0x90], // LOCK NOP
            [0xF0, 0x01, 0xC0], // LOCK ADD EAX, EAX
            [0xF0, 0x8B, 0x00], // LOCK MOV EAX, [RAX]
            [0x0F, 0x20, 0xC8], // MOV RAX, CR1
            [0x0F, 0x22, 0xE8], // MOV CR5, RAX
            [0x0F, 0x01, 0xC1], // VMCALL
            [0x0F, 0x01, 0xF8 ^ 0x02], // MONITORX
            [0xF2, 0xC5, 0xF8, 0x58, 0xC0], // VADDPS with a REPNE prefix
            [0x48, 0xC5, 0xF8, 0x58, 0xC0], // VADDPS with REX
            [0x0F, 0xC7, 0xC8], // CMPXCHG8B with a register
            [0x8D, 0xC0], // LEA EAX, EAX
            [0x0F, 0xAE, 0xC0], // FXSAVE with a register
            [0x0F, 0x34], // SYSENTER, as AMD has it in long mode
        ];
        using Guest guest = new(engine);
        bool amd = guest.IsAmd;
        guest.Long(a =>
        {
            for (int i = 0; i < invalid.Length - (amd ? 0 : 1); i++)
            {
                byte[] bytes = invalid[i];
                guest.Catch($"{i}", () => a.db(bytes));
            }

            guest.Exit();
        });

        guest.Expect([.. Enumerable.Range(0, invalid.Length - (amd ? 0 : 1)).Select(i => (6, 0ul, $"{i}"))]);
    }

    [Theory]
    [EngineSettings]
    public void Instruction_LongerThan15Bytes_IsGp(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.db(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90); // 15 are fine
            guest.Catch("long", () => a.db(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90));
            guest.Exit();
        });

        guest.Expect((13, 0, "long"));
    }

    [Theory]
    [EngineSettings]
    public void DeviceNotAvailable_WithTsOrEm_ByTheTable(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            void Cr0Bits(ulong bits)
            {
                a.mov(rax, cr0);
                a.and(rax, unchecked((int)~(Cr0.TS | Cr0.EM | Cr0.MP)));
                a.or(rax, (int)bits);
                a.mov(cr0, rax);
            }

            a.fninit();
            Cr0Bits(Cr0.TS);
            guest.Catch("x87 ts", () => a.fld1());
            guest.Catch("sse ts", () => a.addps(xmm0, xmm1));
            guest.Catch("avx ts", () => a.vaddps(ymm0, ymm1, ymm2));
            guest.Catch("mmx ts", () => a.paddb(mm0, mm1));
            guest.Catch("fxsave ts", () => a.fxsave(__[Layout.Data + 0x200]));
            a.wait(); // MP is clear
            Cr0Bits(Cr0.TS | Cr0.MP);
            guest.Catch("wait", () => a.wait());
            a.clts();
            a.wait();
            a.fld1();
            a.fstp(st0);
            Cr0Bits(Cr0.EM);
            guest.Catch("x87 em", () => a.fld1());
            guest.Catch("sse em", () => a.addps(xmm0, xmm1));
            guest.Catch("mmx em", () => a.paddb(mm0, mm1));
            guest.Catch("fxsave em", () => a.fxsave(__[Layout.Data + 0x200]));
            a.vaddps(ymm0, ymm1, ymm2); // has nothing to do with EM
            Cr0Bits(Cr0.EM | Cr0.TS);
            guest.Catch("x87 both", () => a.fld1());
            guest.Catch("sse both", () => a.addps(xmm0, xmm1));
            guest.Catch("mmx both", () => a.paddb(mm0, mm1));
            guest.Catch("avx both", () => a.vaddps(ymm0, ymm1, ymm2));
            Cr0Bits(Cr0.MP);
            a.mov(rbx, cr4);
            a.mov(rax, rbx);
            a.and(rax, ~(int)(Cr4.OSFXSR | Cr4.OSXSAVE));
            a.mov(cr4, rax);
            guest.Catch("sse off", () => a.addps(xmm0, xmm1));
            guest.Catch("avx off", () => a.vaddps(ymm0, ymm1, ymm2));
            guest.Catch("xgetbv off", () => a.xgetbv());
            guest.Exit();
        });

        guest.Expect(
            (7, 0, "x87 ts"), (7, 0, "sse ts"), (7, 0, "avx ts"), (7, 0, "mmx ts"), (7, 0, "fxsave ts"), (7, 0, "wait"),
            (7, 0, "x87 em"), (6, 0, "sse em"), (6, 0, "mmx em"), (7, 0, "fxsave em"),
            (7, 0, "x87 both"), (6, 0, "sse both"), (6, 0, "mmx both"), (7, 0, "avx both"), (6, 0, "sse off"), (6, 0, "avx off"), (6, 0, "xgetbv off"));
    }

    [Theory]
    [EngineSettings]
    public void Canonical_DataAndStack_GpAndSs(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(rbx, NonCanonical);
            a.mov(rbp, NonCanonical);
            guest.Catch("ds", () => a.mov(rax, __[rbx]));
            guest.Catch("ss", () => a.mov(rax, __[rbp]));
            guest.Catch("ss write", () => a.add(__dword_ptr[rbp + 8], 1));
            guest.Catch("ss by base", () => a.mov(rax, __[rbp + (rbx * 1)]));
            a.mov(rsi, 0x7FFF_FFFF_FFFCL);
            guest.Catch("edge", () => a.mov(rax, __[rsi]));
            a.mov(rcx, rsp);
            a.mov(rsp, NonCanonical + 0x100);
            a.mov(rsi, rbx);
            guest.Catch("push", () => a.push(rax));
            guest.Catch("pop", () => a.pop(rax));
            guest.Catch("call", () => a.call(Layout.Code));
            guest.Catch("ret", () => a.ret());
            guest.Catch("leave", () => a.leave());
            guest.Catch("movs", () => a.movsb());
            a.mov(rsp, rcx);
            guest.Catch("bts", () => a.bts(__qword_ptr[rbx], rax));
            guest.Catch("cmpxchg16b", () => a.cmpxchg16b(__[rbx]));
            guest.Exit();
        });

        guest.Expect(
            (13, 0, "ds"), (12, 0, "ss"), (12, 0, "ss write"), (12, 0, "ss by base"), (13, 0, "edge"), (12, 0, "push"), (12, 0, "pop"),
            (12, 0, "call"), (12, 0, "ret"), (12, 0, "leave"), (13, 0, "movs"), (13, 0, "bts"), (13, 0, "cmpxchg16b"));
    }

    [Theory]
    [EngineSettings]
    public void Canonical_JumpCallRet_AreGp(string engine)
    {
        using Guest guest = new(engine);
        string[] kinds = ["jmp", "jmp memory", "call", "ret"];
        for (int i = 0; i < kinds.Length; i++)
        {
            guest.CatchAt(NonCanonical + (ulong)i, $"after {kinds[i]}");
        }

        guest.Long(a =>
        {
            a.mov(rbx, NonCanonical);
            a.mov(r15, rsp);
            guest.Catch("jmp", () => a.jmp(rbx));
            guest.Mark("after jmp");
            a.inc(rbx);
            a.mov(__[Layout.Data], rbx);
            guest.Catch("jmp memory", () => a.jmp(__qword_ptr[Layout.Data]));
            guest.Mark("after jmp memory");
            a.inc(rbx);
            guest.Catch("call", () => a.call(rbx));
            guest.Mark("after call");
            a.mov(rsp, r15);
            a.inc(rbx);
            a.push(rbx);
            guest.Catch("ret", () => a.ret());
            guest.Mark("after ret");
            guest.Exit();
        });

        Assert.Equal([(13, 0ul), (13, 0ul), (13, 0ul), (13, 0ul)], guest.Events.Select(e => (e.Vector, e.ErrorCode)));
    }

    [Theory]
    [EngineSettings]
    public void Alignment_OfSseOperands_IsGpWhateverTheSegment(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(ebx, (int)Layout.Data + 8);
            guest.Catch("load", () => a.movaps(xmm0, __[rbx]));
            guest.Catch("store", () => a.movaps(__[rbx], xmm0));
            guest.Catch("on the stack", () => a.movaps(xmm0, __[rsp - 24]));
            guest.Catch("avx", () => a.vmovaps(ymm0, __[rbx + 8]));
            guest.Catch("implied", () => a.addps(xmm0, __[rbx]));
            guest.Catch("cmpxchg16b", () => a.cmpxchg16b(__[rbx]));
            guest.Catch("fxsave", () => a.fxsave(__[rbx]));
            a.mov(ecx, (int)Layout.Absent + 8);
            guest.Catch("before paging", () => a.movaps(xmm0, __[rcx]));
            a.movups(xmm0, __[rbx]);
            a.vaddps(xmm0, xmm0, __[rbx]);
            guest.Exit();
        });

        guest.Expect(
            (13, 0, "load"), (13, 0, "store"), (13, 0, "on the stack"), (13, 0, "avx"), (13, 0, "implied"), (13, 0, "cmpxchg16b"),
            (13, 0, "fxsave"), (13, 0, "before paging"));
    }

    [Theory]
    [EngineSettings]
    public void FloatingPoint_UnmaskedExceptions_AreMfAndXm(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            a.mov(__dword_ptr[Layout.Data], 0x1D80); // MXCSR: divide by zero unmasked
            a.ldmxcsr(__dword_ptr[Layout.Data]);
            a.mov(eax, 0x3F80_0000);
            a.movd(xmm1, eax);
            a.xorps(xmm2, xmm2);
            guest.Catch("divss", () => a.divss(xmm1, xmm2));
            a.movd(__dword_ptr[Layout.Data + 8], xmm1);
            a.stmxcsr(__dword_ptr[Layout.Data + 16]);
            a.mov(rax, cr4);
            a.and(rax, ~(int)Cr4.OSXMMEXCPT);
            a.mov(cr4, rax);
            guest.Catch("no osxmmexcpt", () => a.divss(xmm1, xmm2));

            a.fninit();
            a.mov(__word_ptr[Layout.Data], 0x37B); // x87: divide by zero unmasked
            a.fldcw(__[Layout.Data]);
            a.fld1();
            a.fldz();
            a.fdivp(st1, st0);
            a.fnstsw(ax); // does not wait
            a.mov(__word_ptr[Layout.Data + 24], ax);
            guest.Catch("wait", () => a.wait());
            guest.Catch("fld", () => a.fld1());
            a.fninit();
            a.wait();
            guest.Exit();
        });

        guest.Expect((19, 0, "divss"), (6, 0, "no osxmmexcpt"), (16, 0, "wait"), (16, 0, "fld"));
        Assert.Equal(0x3F80_0000ul, guest.Read(Layout.Data + 8) & uint.MaxValue);
        Assert.Equal(0x1D84ul, guest.Read(Layout.Data + 16) & uint.MaxValue);
        Assert.Equal(0x8084ul, guest.Read(Layout.Data + 24) & 0x80FF);
    }

    [Theory]
    [EngineSettings]
    public void CompatibilityMode_BoundIntoAndAam_RaiseTheirs(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(Layout.Data, 0x0000_0020_0000_0010); // bounds 16..32
        guest.Place(32, Layout.Code32, a =>
        {
            a.mov(eax, Layout.KernelDs);
            a.mov(ds, eax);
            a.mov(eax, 0x21);
            guest.Catch("bound", () => a.bound(eax, __qword_ptr[Layout.Data]));
            a.mov(eax, 0x20);
            a.bound(eax, __qword_ptr[Layout.Data]);
            a.mov(al, 0x7F);
            a.into();
            a.add(al, 1);
            a.into();
            guest.Mark("after into");
            guest.Catch("aam", () => a.aam(0));
            guest.Exit();
        });
        guest.Long(a =>
        {
            a.push(Layout.Code32Cs);
            a.push((int)Layout.Code32);
            a.db(0x48, 0xCB);
        });

        Assert.Equal([5, 4, 0], guest.Events.Select(e => e.Vector));
        Assert.Equal([guest.At("bound"), guest.At("after into"), guest.At("aam")], guest.Events.Select(e => e.Rip));
        Assert.All(guest.Events, e => Assert.Equal(Layout.Code32Cs, e.Cs));
    }
}
