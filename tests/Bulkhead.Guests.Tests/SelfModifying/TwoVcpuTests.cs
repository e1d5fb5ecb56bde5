using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.SelfModifying;

/// <summary>vCPU 0 changes what vCPU 1 executes.</summary>
public sealed class TwoVcpuTests
{
    private const ulong Function = Layout.Code + 0x2000; // MOV EAX, imm32 with the immediate at a multiple of 4; RET
    private const ulong Other = Layout.Code + 0x4000;
    private const ulong Go = Layout.Data, Done = Layout.Data + 0x40, Wrong = Layout.Data + 0x80, Rounds = Layout.Data + 0xC0;

    [Theory]
    [EngineSettings]
    public void Function_PatchedUnderAHandshake_IsNeverTheOldOne(string engine)
    {
        const int rounds = 300;
        using Guest guest = Prepare(engine);
        guest.Place(64, Other, a =>
        {
            Label wait = a.CreateLabel(), next = a.CreateLabel(), right = a.CreateLabel();
            a.xor(ebp, ebp);
            a.Label(ref next);
            a.inc(ebp);
            a.Label(ref wait);
            a.cmp(__[Go], ebp);
            a.jb(wait);
            a.xor(eax, eax);
            a.cpuid(); // serializes
            a.call(Function + 3);
            a.cmp(eax, ebp);
            a.je(right);
            a.inc(__dword_ptr[Wrong]);
            a.Label(ref right);
            a.mov(__[Done], ebp);
            a.jmp(next);
        });
        guest.Long(a =>
        {
            Label next = a.CreateLabel(), wait = a.CreateLabel();
            a.xor(ebp, ebp);
            a.Label(ref next);
            a.inc(ebp);
            a.mov(__dword_ptr[Function + 4], ebp);
            a.mov(__dword_ptr[Go], ebp);
            a.Label(ref wait);
            a.cmp(__[Done], ebp);
            a.jb(wait);
            a.cmp(ebp, rounds);
            a.jb(next);
            guest.Exit();
        });

        Assert.Equal(0ul, guest.Read(Wrong));
        Assert.Equal((ulong)rounds, guest.Read(Done));
    }

    [Theory]
    [EngineSettings]
    public void Function_PatchedByAtomicStores_NeverGoesBackAndSettles(string engine)
    {
        const int rounds = 5_000;
        using Guest guest = Prepare(engine);
        guest.Place(64, Other, a =>
        {
            Label next = a.CreateLabel(), right = a.CreateLabel();
            a.xor(ebp, ebp);
            a.Label(ref next);
            a.call(Function + 3);
            a.cmp(eax, ebp);
            a.jae(right);
            a.inc(__dword_ptr[Wrong]);
            a.Label(ref right);
            a.mov(ebp, eax);
            a.inc(__dword_ptr[Rounds]);
            a.mov(__[Done], ebp);
            a.jmp(next);
        });
        guest.Long(a =>
        {
            Label next = a.CreateLabel(), wait = a.CreateLabel(), start = a.CreateLabel();
            a.Label(ref start);
            a.cmp(__dword_ptr[Rounds], 0);
            a.je(start);
            a.mov(ecx, rounds);
            a.Label(ref next);
            a.@lock.inc(__dword_ptr[Function + 4]);
            a.dec(ecx);
            a.jne(next);
            a.Label(ref wait);
            a.cmp(__dword_ptr[Done], rounds); // no other event: the last store has to be seen
            a.jne(wait);
            guest.Exit();
        });

        Assert.Equal(0ul, guest.Read(Wrong));
    }

    [Theory]
    [EngineSettings]
    public void Breakpoint_PokedInAndOut_IsEitherTakenOrNot(string engine)
    {
        const int rounds = 1000;
        using Guest guest = Prepare(engine);
        guest.Gate(3, Layout.Code + 0x6000, ist: 2);
        guest.Place(64, Layout.Code + 0x6000, a =>
        {
            a.inc(__dword_ptr[Wrong + 8]);
            a.iretq(); // to the byte behind INT3, which is a NOP of its own
        });
        guest.Place(64, Layout.Code + 0x7000, a =>
        {
            a.nop();
            a.inc(__dword_ptr[Rounds]);
            a.ret();
        });
        guest.Place(64, Other, a =>
        {
            Label next = a.CreateLabel();
            a.Label(ref next);
            a.call(Layout.Code + 0x7000);
            a.jmp(next);
        });
        guest.Long(a =>
        {
            Label next = a.CreateLabel(), start = a.CreateLabel();
            a.mov(ebx, (int)Layout.Code + 0x7000);
            a.Label(ref start);
            a.cmp(__dword_ptr[Rounds], 0);
            a.je(start);
            a.mov(ecx, rounds);
            a.Label(ref next);
            a.mov(__byte_ptr[rbx], 0xCC);
            a.pause();
            a.mov(__byte_ptr[rbx], 0x90);
            a.pause();
            a.dec(ecx);
            a.jne(next);
            guest.Exit();
        });

        Assert.Empty(guest.Events); // no #UD or anything else
    }

    [Theory]
    [EngineSettings]
    public void DataBesideCode_CountedByBoth_LosesNothing(string engine)
    {
        const int rounds = 1000;
        using Guest guest = Prepare(engine);
        const ulong counter = Function + 0x800; // on the page vCPU 1 executes
        void Count(Assembler a)
        {
            Label next = a.CreateLabel();
            a.mov(ecx, rounds);
            a.Label(ref next);
            a.call(Function + 3);
            a.@lock.inc(__dword_ptr[counter]);
            a.dec(ecx);
            a.jne(next);
        }

        guest.Place(64, Other, a =>
        {
            Count(a);
            a.mov(__dword_ptr[Done], 1);
            a.hlt();
        });
        guest.Long(a =>
        {
            Label wait = a.CreateLabel();
            Count(a);
            a.Label(ref wait);
            a.pause();
            a.cmp(__dword_ptr[Done], 0);
            a.je(wait);
            guest.Exit();
        });

        Assert.Equal(2ul * rounds, guest.Read(counter));
    }

    private static Guest Prepare(string engine)
    {
        Guest guest = new(engine, vcpus: 2);
        guest.Place(64, Function + 3, a =>
        {
            a.mov(eax, 0);
            a.ret();
        });
        guest.EnterLong(1, Other);
        return guest;
    }
}
