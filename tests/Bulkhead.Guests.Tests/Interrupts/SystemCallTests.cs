using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Interrupts;

public sealed class SystemCallTests
{
    private const ulong Entry = Layout.Code + 0x1000;
    private const ulong NonCanonical = 0x8000_0000_0000;

    [Theory]
    [EngineSettings]
    public void Syscall_AndSysret_MoveRipFlagsAndSegments(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(3, Layout.Stubs + (3 * 16), ist: 2, dpl: 3);
        guest.Place(64, Entry, a =>
        {
            a.mov(__[Layout.Data], rcx);
            a.mov(__[Layout.Data + 8], r11);
            a.mov(__[Layout.Data + 16], rsp);
            a.mov(rsp, Layout.StackOf(0));
            a.pushfq();
            a.pop(rbx);
            a.mov(__[Layout.Data + 24], rbx);
            a.mov(ebx, cs);
            a.mov(__[Layout.Data + 32], rbx);
            a.mov(ebx, ss);
            a.mov(__[Layout.Data + 40], rbx);
            a.mov(rsp, Layout.UserStack);
            Guest.Sysret(a);
        });
        guest.Long(a =>
        {
            guest.SystemCalls(Entry, Rflags.IF | Rflags.DF | Rflags.TF);
            guest.ToUser(0x202);
            a.stc();
            a.std();
            a.syscall();
            guest.Mark("after syscall");
            a.int3();
            a.cld();
            guest.UserExit();
        });

        ulong after = Layout.User + guest.At("after syscall");
        Assert.Equal(after, guest.Read(Layout.Data));
        Assert.Equal(0x603ul, guest.Read(Layout.Data + 8) & 0x703);
        Assert.Equal(Layout.UserStack, guest.Read(Layout.Data + 16));
        Assert.Equal(0x003ul, guest.Read(Layout.Data + 24) & 0x703); // IF and DF are masked
        Assert.Equal(((ulong)Layout.KernelCs, (ulong)Layout.KernelDs), (guest.Read(Layout.Data + 32), guest.Read(Layout.Data + 40)));
        GuestEvent back = guest.Event;
        Assert.Equal((after + 1, (ulong)Layout.UserCs, (ulong)Layout.UserDs, 0x603ul), (back.Rip, back.Cs, back.Ss, back.Rflags & 0x703));
    }

    [Theory]
    [EngineSettings]
    public void Syscall_WithoutSce_IsUd(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.SystemCalls(Entry, Rflags.IF | Rflags.DF | Rflags.TF);
            a.mov(ecx, 0xC000_0080);
            a.rdmsr();
            a.and(eax, ~1);
            a.wrmsr();
            guest.Catch("syscall", () => a.syscall());
            guest.Catch("sysret", () => Guest.Sysret(a));
            guest.Exit();
        });

        guest.Expect((6, 0, "syscall"), (6, 0, "sysret"));
    }

    [Theory]
    [EngineSettings]
    public void Sysret_ToANonCanonicalRip_FaultsAsTheVendorDoes(string engine)
    {
        using Guest guest = new(engine);
        guest.CatchAt(NonCanonical, "after");
        guest.Gate(13, Entry, ist: 1);
        guest.Place(64, Entry, a =>
        {
            a.mov(rax, __[rsp + 16]);
            a.mov(__[Layout.Data], rax);
            a.mov(rax, __[rsp]);
            a.mov(__[Layout.Data + 8], rax);
            guest.Exit();
        });
        guest.Long(a =>
        {
            guest.SystemCalls(Entry, Rflags.IF | Rflags.DF | Rflags.TF);
            a.mov(rcx, NonCanonical);
            a.mov(r11d, 0x202);
            Guest.Sysret(a);
            guest.Mark("after");
            a.hlt();
        });

        // AMD: in user mode, at the target. Intel: in the kernel, at SYSRET.
        Assert.Equal(guest.IsAmd ? Layout.UserCs : Layout.KernelCs, guest.Read(Layout.Data));
        Assert.Equal(0ul, guest.Read(Layout.Data + 8));
    }

    [Theory]
    [EngineSettings]
    public void Swapgs_AndBases_MoveWhatGsAddresses(string engine)
    {
        using Guest guest = new(engine);
        guest.Write(Layout.Free + 0x10, 0xAAAA);
        guest.Write(Layout.Free + 0x1010, 0xBBBB);
        guest.Long(a =>
        {
            guest.Msr(0xC000_0101, Layout.Free);
            guest.Msr(0xC000_0102, Layout.Free + 0x1000);
            a.mov(rax, __qword_ptr.gs[0x10]);
            a.mov(__[Layout.Data], rax);
            a.swapgs();
            a.mov(rax, __qword_ptr.gs[0x10]);
            a.mov(__[Layout.Data + 8], rax);
            a.rdgsbase(rax);
            a.mov(__[Layout.Data + 16], rax);
            a.swapgs();
            a.mov(rax, Layout.Free + 0x1000);
            a.wrfsbase(rax);
            a.mov(rax, __qword_ptr.fs[0x10]);
            a.mov(__[Layout.Data + 24], rax);
            a.mov(ecx, 0xC000_0100);
            a.rdmsr();
            a.mov(__[Layout.Data + 32], rax);
            a.mov(eax, Layout.KernelDs);
            a.mov(fs, eax); // the descriptor's base, zero
            a.rdfsbase(rax);
            a.mov(__[Layout.Data + 40], rax);

            // A 32-bit address wraps before the base is added.
            a.mov(eax, -0x10);
            a.mov(rbx, __qword_ptr.gs[eax + 0x20]);
            a.mov(__[Layout.Data + 48], rbx);
            a.mov(rax, cr4);
            a.btr(rax, 16);
            a.mov(cr4, rax);
            guest.Catch("rdfsbase", () => a.rdfsbase(rax));
            guest.Catch("wrgsbase", () => a.wrgsbase(rax));
            guest.Exit();
        });

        guest.Expect((6, 0, "rdfsbase"), (6, 0, "wrgsbase"));
        Assert.Equal(
            [0xAAAAul, 0xBBBB, Layout.Free + 0x1000, 0xBBBB, Layout.Free + 0x1000, 0, 0xAAAA],
            Enumerable.Range(0, 7).Select(i => guest.Read(Layout.Data + (8 * (ulong)i))));
    }

    [Theory]
    [EngineSettings]
    public void Frames_OnIstAndOnTheSameStack_AreAlignedTo16(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(0x40, Entry, ist: 3);
        guest.Gate(0x41, Entry);
        guest.Place(64, Entry, a =>
        {
            a.mov(__[rbx], rsp);
            a.mov(rcx, __[rsp + 24]);
            a.mov(__[rbx + 8], rcx);
            a.add(rbx, 16);
            a.iretq();
        });
        guest.Long(a =>
        {
            a.mov(rbx, Layout.Data);
            a.sub(rsp, 3);
            a.@int(0x40);
            a.@int(0x41);
            guest.Exit();
        });

        ulong before = Layout.StackOf(0) - 3;
        Assert.Equal(Layout.HandlerStacks + 0x4000 - 40, guest.Read(Layout.Data));
        Assert.Equal((before & ~15ul) - 40, guest.Read(Layout.Data + 16));
        Assert.Equal((before, before), (guest.Read(Layout.Data + 8), guest.Read(Layout.Data + 24)));
    }
}
