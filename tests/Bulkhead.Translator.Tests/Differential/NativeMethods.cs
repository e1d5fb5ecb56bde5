using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>What the native runner asks of the C library.</summary>
internal static unsafe partial class NativeMethods
{
    internal const int ProtRead = 1;
    internal const int ProtWrite = 2;
    internal const int ProtExec = 4;
    internal const int MapPrivate = 2;
    internal const int MapAnonymous = 0x20;
    internal const int MapFixedNoReplace = 0x100000;
    internal const int SaSiginfo = 4;
    internal const int SaOnstack = 0x0800_0000;
    internal const int SigSetmask = 2;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    internal static partial void* Mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    internal static partial int Munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    internal static partial int Mprotect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    internal static partial int Sigaction(int signal, SignalAction* action, SignalAction* old);

    [LibraryImport("libc", EntryPoint = "pthread_sigmask")]
    internal static partial int PthreadSigmask(int how, SignalSet* set, SignalSet* old);

    [LibraryImport("libc", EntryPoint = "sigaltstack", SetLastError = true)]
    internal static partial int Sigaltstack(SignalStack* stack, SignalStack* old);

    /// <summary>stack_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SignalStack
    {
        internal nint Pointer;
        internal int Flags;
        internal nuint Bytes;
    }

    /// <summary>glibc's sigset_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SignalSet
    {
        internal fixed ulong Bits[16];
    }

    /// <summary>glibc's struct sigaction.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SignalAction
    {
        internal nint Handler;
        internal SignalSet Mask;
        internal int Flags;
        internal nint Restorer;
    }
}
