using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.SelfModifying;

public sealed class OneVcpuTests
{
    // MOV EAX, imm32; RET: the immediate is at +1.
    private const ulong Function = Layout.Code + 0x2000;

    [Theory]
    [EngineSettings]
    public void Store_ToTheNextInstruction_TakesEffectAtOnce(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel(), patched = a.CreateLabel();
            a.mov(ecx, 5);
            a.xor(ebx, ebx);
            a.Label(ref loop);
            a.lea(rdi, __[patched]);
            a.mov(__dword_ptr[rdi + 1], ecx);
            a.Label(ref patched);
            a.mov(eax, 0x1111);
            a.add(ebx, eax);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal(15ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Store_BehindInTheSameBlock_TakesEffectNextTime(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(ecx, 5);
            a.xor(ebx, ebx);
            a.lea(rdi, __[loop]);
            a.Label(ref loop);
            a.mov(eax, 1);
            a.add(ebx, eax);
            a.add(__dword_ptr[rdi + 1], 1);
            a.inc(edx);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal(15ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void Stores_OfEveryKind_ReachTheFunction(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Function, F);
        (string Name, Action<Assembler> Code)[] stores =
        [
            ("mov", a => a.mov(__dword_ptr[rdi + 1], ebx)),
            ("mov byte", a => a.mov(__byte_ptr[rdi + 1], bl)),
            ("add", a => a.add(__dword_ptr[rdi + 1], 1)),
            ("xchg", a => { a.mov(eax, ebx); a.xchg(__[rdi + 1], eax); }),
            ("lock cmpxchg", a => { a.lea(eax, __[rbx - 1]); a.@lock.cmpxchg(__dword_ptr[rdi + 1], ebx); }),
            ("lock xadd", a => { a.mov(eax, 1); a.@lock.xadd(__dword_ptr[rdi + 1], eax); }),
            ("push", a => { a.lea(rsp, __[rdi + 9]); a.mov(rax, __[rdi + 1]); a.inc(rax); a.push(rax); a.mov(rsp, r15); }),
            ("pop", a => { a.push(__qword_ptr[rdi + 1]); a.inc(__dword_ptr[rsp]); a.pop(__qword_ptr[rdi + 1]); }),
            ("bts", a => { a.and(__dword_ptr[rdi + 1], 0); a.mov(ecx, 8); a.@lock.bts(__dword_ptr[rdi], ecx); a.lea(eax, __[rbx - 1]); a.add(__dword_ptr[rdi + 1], eax); }),
            ("rep movsb", a => { a.mov(__[Layout.Data + 0x100], ebx); a.mov(esi, (int)Layout.Data + 0x100); a.mov(ecx, 4); a.inc(rdi); a.rep.movsb(); a.sub(rdi, 5); }),
            ("stosd", a => { a.mov(eax, ebx); a.inc(rdi); a.stosd(); a.sub(rdi, 5); }),
            ("movss", a => { a.movd(xmm0, ebx); a.movss(__[rdi + 1], xmm0); }),
            ("vmaskmov", a => { a.vpcmpeqd(xmm1, xmm1, xmm1); a.vpsrldq(xmm1, xmm1, 12); a.movd(xmm0, ebx); a.vmaskmovps(__xmmword_ptr[rdi + 1], xmm1, xmm0); }),
            ("fistp", a => { a.mov(__[Layout.Data + 0x100], ebx); a.fild(__dword_ptr[Layout.Data + 0x100]); a.fistp(__dword_ptr[rdi + 1]); }),
            ("setc", a => { a.mov(__[rdi + 1], ebx); a.stc(); a.setc(__byte_ptr[rdi + 1]); a.lea(eax, __[rbx - 1]); a.add(__dword_ptr[rdi + 1], eax); }),
        ];
        guest.Long(a =>
        {
            a.fninit();
            a.mov(r15, rsp);
            a.mov(edi, (int)Function);
            a.call(Function);
            for (int i = 0; i < stores.Length; i++)
            {
                a.mov(ebx, i + 2);
                a.mov(__dword_ptr[rdi + 1], i + 1);
                a.call(Function);
                stores[i].Code(a);
                a.call(Function);
                a.mov(__[Layout.Data + (8 * (ulong)i)], eax);
            }

            guest.Exit();
        });

        Assert.Equal(stores.Select((s, i) => $"{s.Name} {i + 2}"), stores.Select((s, i) => $"{s.Name} {guest.Read(Layout.Data + (8 * (ulong)i))}"));
    }

    [Theory]
    [EngineSettings]
    public void Instruction_AcrossTwoPages_FollowsStoresToEither(string engine)
    {
        using Guest guest = new(engine);
        const ulong spanning = Layout.Code + 0x4000 - 3; // MOV EAX, imm32 with the upper half of its immediate on the second page
        guest.Place(64, spanning, F);
        guest.Long(a =>
        {
            a.mov(edi, (int)spanning);
            a.call(spanning);
            a.mov(__[Layout.Data], eax);
            a.mov(__byte_ptr[rdi + 4], 0x22);
            a.call(spanning);
            a.mov(__[Layout.Data + 8], eax);
            a.mov(__byte_ptr[rdi + 1], 0x33);
            a.call(spanning);
            a.mov(__[Layout.Data + 16], eax);
            guest.Exit();
        });

        Assert.Equal((1ul, 0x2200_0001ul, 0x2200_0033ul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8), guest.Read(Layout.Data + 16)));
    }

    [Theory]
    [EngineSettings]
    public void Page_UnderTwoAddresses_RunsWhatWasWrittenThroughEither(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Function, F);
        guest.Pages.Map(Layout.Own, Function);
        guest.Pages.Map(Layout.Own + 0x5000, Function);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(rsi, Layout.Own);
            a.mov(rdi, Layout.Own + 0x5000);
            a.xor(ebx, ebx);
            a.mov(ecx, 10);
            a.Label(ref loop);
            a.mov(__dword_ptr[rsi + 1], ecx);
            a.call(rdi);
            a.add(ebx, eax);
            a.add(__dword_ptr[rdi + 1], 100);
            a.call(rsi);
            a.add(ebx, eax);
            a.call(Function);
            a.add(ebx, eax);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal((3ul * 55) + (2 * 1000), guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void CodePage_MappedElsewhere_RunsTheOtherPage(string engine)
    {
        using Guest guest = new(engine);
        guest.Place(64, Layout.Free, F);
        guest.Place(64, Layout.Free + 0x1000, a =>
        {
            a.mov(eax, 100);
            a.ret();
        });
        guest.Pages.Map(Layout.Own, Layout.Free);
        ulong entry = guest.Pages.EntryAddress(Layout.Own, 12);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(rdi, Layout.Own);
            a.xor(ebx, ebx);
            a.mov(ecx, 20);
            a.Label(ref loop);
            a.call(rdi);
            a.add(ebx, eax);
            a.xor(__dword_ptr[entry], 0x1000);
            a.invlpg(__[rdi]);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal(1010ul, guest.Read(Layout.Data));
    }

    [Theory]
    [EngineSettings]
    public void DirectJump_IntoAPageMappedElsewhere_GoesThere(string engine)
    {
        using Guest guest = new(engine);
        const ulong code = Layout.Own, target = Layout.Own + 0x1000;
        guest.Pages.Map(code, Layout.Free);
        guest.Pages.Map(target, Layout.Free + 0x1000);
        Assert.True(guest.Memory.TryWrite(new(Layout.Free), Guest.Bytes(64, code, a => a.jmp(target))));
        Assert.True(guest.Memory.TryWrite(new(Layout.Free + 0x1000), Guest.Bytes(64, target, F)));
        Assert.True(guest.Memory.TryWrite(new(Layout.Free + 0x2000), Guest.Bytes(64, target, a =>
        {
            a.mov(eax, 100);
            a.ret();
        })));
        ulong entry = guest.Pages.EntryAddress(target, 12);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(rdi, code);
            a.mov(rsi, target);
            a.xor(ebx, ebx);
            a.mov(ecx, 20);
            a.Label(ref loop);
            a.call(rdi);
            a.add(ebx, eax);
            a.call(rdi);
            a.add(ebx, eax);
            a.xor(__dword_ptr[entry], 0x3000);
            a.invlpg(__[rsi]);
            a.dec(ecx);
            a.jne(loop);
            a.mov(__[Layout.Data], rbx);
            guest.Exit();
        });

        Assert.Equal(2020ul, guest.Read(Layout.Data));
    }

    private static void F(Assembler a)
    {
        a.mov(eax, 1);
        a.ret();
    }
}
