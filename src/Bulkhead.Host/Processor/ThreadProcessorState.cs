using System.Runtime.InteropServices;

namespace Bulkhead.Host.Processor;

/// <summary>What the operating system keeps for a thread or the process about its processor: the GS base, and fault handlers.</summary>
public static unsafe class ThreadProcessorState
{
    // As the kernel has it, which nobody but SetGsBase changes.
    private static readonly ThreadLocal<nint> GsBase = new();

    /// <summary>Sets the calling thread's GS base. The runtime leaves GS alone on Linux x86-64.</summary>
    /// <remarks><i>Cost</i>: a system call where it changes, of 0.1 us; where the host is itself a guest that has a hypervisor do it, 8 us.
    /// WRGSBASE would be an instruction, but hosts without CR4.FSGSBASE are common in clouds.</remarks>
    public static void SetGsBase(void* address)
    {
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
