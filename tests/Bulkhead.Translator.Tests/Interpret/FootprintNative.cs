using System.Runtime.InteropServices;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

/// <summary>Runs one instruction on the host with all its registers taken from, and put back into, a <see cref="Registers"/>.</summary>
/// <remarks>One page of code, one of state behind it, in the low 2 GiB so that no register is needed to reach it. The runner owns both.</remarks>
internal sealed unsafe partial class FootprintNative : IDisposable
{
    private const int CodeSize = 4096, Gprs = CodeSize, Flags = CodeSize + 128, HostRsp = CodeSize + 136, Ymms = CodeSize + 192, Fx = CodeSize + 704;
    private const int Size = CodeSize * 2;

    private readonly byte* _base;

    public FootprintNative()
    {
        // SAFETY: a test's own mapping, writable and executable because tests run on one thread each and emit once per case.
        _base = (byte*)Mmap(null, Size, 7, 0x62, -1, 0);
        Assert.True((nint)_base != -1);
    }

    /// <summary>Executes <paramref name="emit"/>'s one instruction.</summary>
    public void Run(Registers* r, Action<Assembler> emit)
    {
        var a = new Assembler(64);
        AssemblerRegister64[] gprs = [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];
        AssemblerRegister64[] saved = [rbx, rbp, r12, r13, r14, r15];
        AssemblerRegisterYMM[] ymms = [ymm0, ymm1, ymm2, ymm3, ymm4, ymm5, ymm6, ymm7, ymm8, ymm9, ymm10, ymm11, ymm12, ymm13, ymm14, ymm15];
        long origin = (long)_base;
        foreach (AssemblerRegister64 s in saved)
        {
            a.push(s);
        }

        a.mov(__qword_ptr[origin + HostRsp], rsp);
        a.fxrstor64(__[origin + Fx]);
        for (int i = 0; i < 16; i++)
        {
            a.vmovdqu(ymms[i], __ymmword_ptr[origin + Ymms + (i * 32)]);
        }

        a.push(__qword_ptr[origin + Flags]);
        a.popfq();
        for (int i = 0; i < 16; i++)
        {
            a.mov(gprs[i], __qword_ptr[origin + Gprs + (i * 8)]);
        }

        emit(a);
        for (int i = 0; i < 16; i++)
        {
            a.mov(__qword_ptr[origin + Gprs + (i * 8)], gprs[i]);
        }

        a.mov(rsp, __qword_ptr[origin + HostRsp]);
        a.pushfq();
        a.pop(__qword_ptr[origin + Flags]);
        a.cld();
        for (int i = 0; i < 16; i++)
        {
            a.vmovdqu(__ymmword_ptr[origin + Ymms + (i * 32)], ymms[i]);
        }

        a.fxsave64(__[origin + Fx]);
        a.fninit();
        a.push(0x1F80);
        a.ldmxcsr(__dword_ptr[rsp]);
        a.pop(rax);
        a.vzeroupper();
        for (int i = saved.Length - 1; i >= 0; i--)
        {
            a.pop(saved[i]);
        }

        a.ret();
        using var stream = new MemoryStream();
        a.Assemble(new StreamCodeWriter(stream), (ulong)_base);
        stream.GetBuffer().AsSpan(0, (int)stream.Length).CopyTo(new Span<byte>(_base, CodeSize));

        new ReadOnlySpan<byte>(r->Gpr, 128).CopyTo(new Span<byte>(_base + Gprs, 128));
        *(ulong*)(_base + Flags) = r->Rflags;
        new ReadOnlySpan<byte>(&r->Ymm, 512).CopyTo(new Span<byte>(_base + Ymms, 512));
        new ReadOnlySpan<byte>(r->X87, 160).CopyTo(new Span<byte>(_base + Fx, 160));
        *(uint*)(_base + Fx + 24) = r->Mxcsr;
        ((delegate* unmanaged<void>)_base)();
        new ReadOnlySpan<byte>(_base + Gprs, 128).CopyTo(new Span<byte>(r->Gpr, 128));
        r->Rflags = *(ulong*)(_base + Flags);
        new ReadOnlySpan<byte>(_base + Ymms, 512).CopyTo(new Span<byte>(&r->Ymm, 512));
        new ReadOnlySpan<byte>(_base + Fx, 160).CopyTo(new Span<byte>(r->X87, 160));
        r->Mxcsr = *(uint*)(_base + Fx + 24);
    }

    public void Dispose() => _ = Munmap(_base, Size);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Munmap(void* address, nuint length);
}
