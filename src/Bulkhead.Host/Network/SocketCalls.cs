using System.Runtime.InteropServices;

namespace Bulkhead.Host.Network;

/// <summary>The socket calls of the C library.</summary>
internal static unsafe partial class SocketCalls
{
    internal const int Unix = 1;
    internal const int Stream = 1;
    internal const int CloseOnExec = 0x80000;
    internal const int DontWait = 0x40;
    internal const int NoSignal = 0x4000;
    internal const int TryAgain = 11;
    internal const int Interrupted = 4;
    internal const int AddressInUse = 98;
    internal const int ConnectionRefused = 111;
    internal const int SocketLevel = 1;
    internal const int SendBuffer = 7;
    internal const int SetDescriptorFlags = 2;
    internal const int NonBlocking = 0x800;
    internal const int SendSide = 1;
    internal const int ReceiveSide = 0;

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    internal static partial int Pair(int domain, int type, int protocol, int* descriptors);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial int Create(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    internal static partial int Bind(SafeHandle descriptor, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    internal static partial int Listen(SafeHandle descriptor, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    internal static partial int Accept(SafeHandle descriptor, byte* address, uint* length, int flags);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    internal static partial int ChangeMode(byte* path, int mode);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    internal static partial int Connect(int descriptor, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    internal static partial int Shutdown(int descriptor, int side);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    internal static partial nint Send(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    internal static partial nint Receive(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    internal static partial int SetOption(int descriptor, int level, int option, int* value, uint length);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    internal static partial int Control(int descriptor, int command, int argument);
}
