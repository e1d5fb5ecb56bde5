using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Host.Terminal;

/// <summary>The terminal and descriptor calls of the C library.</summary>
internal static unsafe partial class TerminalNative
{
    internal const int ErrnoInterrupted = 4;
    internal const int ErrnoAgain = 11;
    internal const short PollIn = 1;
    internal const short PollOut = 4;
    internal const int EventCloexec = 0x80000;
    internal const int EventNonBlocking = 0x800;
    internal const int SetAttributesNow = 0;
    internal const int SetAttributesAndForget = 2;
    internal const uint Echo = 8;
    internal const nuint GetWindowSize = 0x5413;

    [LibraryImport("libc", EntryPoint = "isatty")]
    internal static partial int IsTerminal(int fd);

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    internal static partial int GetAttributes(int fd, Attributes* attributes);

    [LibraryImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    internal static partial int SetAttributes(int fd, int when, Attributes* attributes);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    internal static partial void MakeRaw(Attributes* attributes);

    [LibraryImport("libc", EntryPoint = "tcgetpgrp")]
    internal static partial int ForegroundGroup(int fd);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    internal static partial int OwnGroup();

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Ioctl(int fd, nuint request, WindowSize* argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollEntry* entries, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int fd, void* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int fd, void* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int fd);

    /// <summary>struct termios of glibc and musl on x86-64: 60 bytes, of which we look at two sets of flags.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Attributes
    {
        internal uint InputFlags;
        internal uint OutputFlags;
        internal uint ControlFlags;
        internal uint LocalFlags;
        internal Rest Others;
    }

    /// <summary>The fields of struct termios after the flags.</summary>
    [InlineArray(14)]
    internal struct Rest
    {
        private uint _first;
    }

    /// <summary>struct winsize.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct WindowSize
    {
        internal ushort Rows;
        internal ushort Columns;
        internal ushort WidthPixels;
        internal ushort HeightPixels;
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        internal int Fd;
        internal short Events;
        internal short Returned;
    }
}
