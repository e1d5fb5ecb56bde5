using System.Runtime.InteropServices;

namespace Bulkhead.Host.Processor;

/// <summary>What the operating system keeps for a thread or the process about its processor: the GS base, and fault handlers.</summary>
public static unsafe class ThreadProcessorState
{
    /// <summary>Sets the calling thread's GS base. The runtime leaves GS alone on Linux x86-64.</summary>
    /// <remarks><i>Cost</i>: a system call. WRGSBASE would be an instruction, but hosts without CR4.FSGSBASE are common in clouds.</remarks>
    public static void SetGsBase(void* address)
    {
        if (Libc.Syscall(Libc.SysArchPrctl, Libc.ArchSetGs, (nint)address) != 0)
        {
            throw new OperatorException($"arch_prctl(ARCH_SET_GS) failed (errno {Marshal.GetLastPInvokeError()}).");
        }
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
