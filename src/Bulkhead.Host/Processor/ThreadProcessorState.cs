using System.Runtime.InteropServices;
using Bulkhead.Host.Memory;

namespace Bulkhead.Host.Processor;

/// <summary>What the operating system keeps for a thread or the process about its processor: the GS base, and fault handlers.</summary>
public static unsafe class ThreadProcessorState
{
    // void(void*), where the kernel lets threads do it.
    private static readonly ExecutableMemory? WriteGsBase = (Libc.AuxiliaryValue(Libc.AtHwCap2) & Libc.HwCap2FsGsBase) != 0 ? EmitWriteGsBase() : null;

    // Elsewhere: as the kernel has it, which nobody but SetGsBase changes.
    private static readonly ThreadLocal<nint> GsBase = new();

    /// <summary>Sets the calling thread's GS base. The runtime leaves GS alone on Linux x86-64.</summary>
    /// <remarks>
    /// <i>Cost</i>: an instruction; on hosts without CR4.FSGSBASE, as many a cloud's, a system call where it changes, which takes 8 us where
    /// the host is itself a guest whose hypervisor does it. <i>Source</i>: Linux, Documentation/arch/x86/x86_64/fsgs.rst.
    /// </remarks>
    public static void SetGsBase(void* address)
    {
        if (WriteGsBase is not null)
        {
            ((delegate* unmanaged<void*, void>)WriteGsBase.Executable)(address);
            return;
        }

        if (GsBase.Value == (nint)address)
        {
            return;
        }

        if (Libc.Syscall(Libc.SysArchPrctl, Libc.ArchSetGs, (nint)address) != 0)
        {
            throw new OperatorException($"arch_prctl(ARCH_SET_GS) failed (errno {Marshal.GetLastPInvokeError()}).");
        }

        GsBase.Value = (nint)address;
    }

    private static ExecutableMemory EmitWriteGsBase()
    {
        var code = ExecutableMemory.Create("gs-base", (ulong)Environment.SystemPageSize);
        ReadOnlySpan<byte> write = [0xF3, 0x48, 0x0F, 0xAE, 0xDF, 0xC3]; // wrgsbase rdi; ret
        write.CopyTo(new Span<byte>(code.Writable, write.Length));
        return code;
    }

    /// <summary>Installs a native signal handler (SA_SIGINFO, SA_ONSTACK, SA_RESTART) and returns the one before.</summary>
    public static nint InstallHandler(int signal, nint handler)
    {
        SignalAction old = default;
        if (Libc.Sigaction(signal, null, &old) != 0)
        {
            throw new OperatorException($"sigaction({signal}) failed (errno {Marshal.GetLastPInvokeError()}).");
        }

        SignalAction action = old;
        action.Handler = handler;
        action.Flags = Libc.SaSiginfo | Libc.SaOnstack | Libc.SaRestart;
        if (Libc.Sigaction(signal, &action, null) != 0)
        {
            throw new OperatorException($"sigaction({signal}) failed (errno {Marshal.GetLastPInvokeError()}).");
        }

        return old.Handler;
    }
}
