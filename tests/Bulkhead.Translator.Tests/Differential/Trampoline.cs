using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The machine code around an instruction that runs natively: way in, way out, signal handler.</summary>
/// <remarks>Everything stands below 2 GiB, so plain 32-bit displacements reach it without a base register.</remarks>
internal static class Trampoline
{
    internal const ulong Enter = 0x2020_0000;
    internal const ulong Leave = Enter + 0x400;
    internal const ulong Handler = Enter + 0x800;
    internal const int CodeBytes = 0x1000;

    internal const ulong Block = 0x2021_0000;
    internal const int BlockBytes = 0x2000;
    internal const ulong State = Block;
    internal const ulong HostFx = Block + 0x600;
    internal const ulong HostRsp = Block + 0x800;
    internal const ulong Vector = Block + 0x808;
    internal const ulong ErrorCode = Block + 0x810;
    internal const ulong Cr2 = Block + 0x818;
    internal const ulong FaultRip = Block + 0x820;

    /// <summary>The handlers that were there before, by signal number.</summary>
    internal const ulong Previous = Block + 0x900;

    internal const ulong SignalStack = 0x2022_0000;
    internal const int SignalStackBytes = 0x1_0000;

    // ucontext_t: general registers at 40.
    private const int UcRip = 168;
    private const int UcErr = 192;
    private const int UcTrapNo = 200;
    private const int UcCr2 = 216;

    private static readonly AssemblerRegister64[] s_gpr = [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];
    private static readonly AssemblerRegisterYMM[] s_ymm = [ymm0, ymm1, ymm2, ymm3, ymm4, ymm5, ymm6, ymm7, ymm8, ymm9, ymm10, ymm11, ymm12, ymm13, ymm14, ymm15];
    private static readonly AssemblerRegister64[] s_saved = [rbx, rbp, r12, r13, r14, r15];

    internal static byte[] BuildEnter()
    {
        var a = new Assembler(64);
        foreach (AssemblerRegister64 register in s_saved)
        {
            a.push(register);
        }

        a.pushfq();
        a.fxsave64(__[HostFx]);
        a.mov(__qword_ptr[HostRsp], rsp);
        a.fxrstor64(__[State + CpuState.X87Offset]);
        for (int i = 0; i < 16; i++)
        {
            a.vmovups(s_ymm[i], __ymmword_ptr[State + CpuState.YmmOffset + (ulong)(32 * i)]);
        }

        a.ldmxcsr(__dword_ptr[State + CpuState.MxcsrOffset]);
        a.push(__qword_ptr[State + CpuState.RflagsOffset]);
        a.popfq();
        for (int i = 0; i < 16; i++)
        {
            a.mov(s_gpr[i], __qword_ptr[State + (ulong)(8 * i)]);
        }

        a.jmp(Arena.Code);
        return Assemble(a, Enter);
    }

    internal static byte[] BuildLeave()
    {
        var a = new Assembler(64);
        for (int i = 0; i < 16; i++)
        {
            a.mov(__qword_ptr[State + (ulong)(8 * i)], s_gpr[i]);
        }

        a.mov(rsp, __qword_ptr[HostRsp]);
        a.pushfq();
        a.pop(__qword_ptr[State + CpuState.RflagsOffset]);
        for (int i = 0; i < 16; i++)
        {
            a.vmovups(__ymmword_ptr[State + CpuState.YmmOffset + (ulong)(32 * i)], s_ymm[i]);
        }

        a.stmxcsr(__dword_ptr[State + CpuState.MxcsrOffset]);
        a.fxsave64(__[State + CpuState.X87Offset]);
        a.vzeroupper();
        a.fninit();
        a.fxrstor64(__[HostFx]);
        a.popfq();
        for (int i = s_saved.Length - 1; i >= 0; i--)
        {
            a.pop(s_saved[i]);
        }

        a.ret();
        return Assemble(a, Leave);
    }

    /// <summary>handler(signal, info, context): a fault of the instruction goes to the way out, any other to whom it went before.</summary>
    internal static byte[] BuildHandler()
    {
        var a = new Assembler(64);
        Label other = a.CreateLabel();
        a.mov(rax, __qword_ptr[rdx + UcRip]);
        a.sub(rax, (int)Arena.Code);
        a.cmp(rax, Arena.CodeBytes);
        a.jae(other);
        foreach ((int from, ulong to) in new[] { (UcTrapNo, Vector), (UcErr, ErrorCode), (UcCr2, Cr2), (UcRip, FaultRip) })
        {
            a.mov(rax, __qword_ptr[rdx + from]);
            a.mov(__qword_ptr[to], rax);
        }

        a.mov(__qword_ptr[rdx + UcRip], (int)Leave);
        a.ret();
        a.Label(ref other);
        a.movsxd(rax, edi);
        a.jmp(__qword_ptr[(rax * 8) + (long)Previous]);
        return Assemble(a, Handler);
    }

    private static byte[] Assemble(Assembler assembler, ulong address)
    {
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }
}
