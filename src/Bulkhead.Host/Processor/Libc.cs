using System.Runtime.InteropServices;

namespace Bulkhead.Host.Processor;

/// <summary>The C library calls about the processor state of a thread and its signals.</summary>
internal static unsafe partial class Libc
{
    internal const long SysArchPrctl = 158;
    internal const int ArchSetGs = 0x1001;
    internal const int SaSiginfo = 4;
    internal const int SaOnstack = 0x0800_0000;
    internal const int SaRestart = 0x1000_0000;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long Syscall(long number, long a, nint b);

    internal const ulong AtHwCap2 = 26;
    internal const ulong HwCap2FsGsBase = 2;

    [LibraryImport("libc", EntryPoint = "getauxval")]
    internal static partial ulong AuxiliaryValue(ulong type);

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    internal static partial int Sigaction(int signal, SignalAction* action, SignalAction* old);
}
