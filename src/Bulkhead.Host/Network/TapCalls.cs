using System.Runtime.InteropServices;

namespace Bulkhead.Host.Network;

/// <summary>What a TAP device is asked.</summary>
/// <remarks><i>Source</i>: Linux, Documentation/networking/tuntap.rst and uapi/linux/if_tun.h.</remarks>
internal static unsafe partial class TapCalls
{
    internal const int ReadWrite = 2;
    internal const int NonBlocking = 0x800;
    internal const int CloseOnExec = 0x80000;
    internal const nuint SetInterface = 0x400454CA;
    internal const nuint SetOffload = 0x400454D0;
    internal const nuint SetHeaderSize = 0x400454D8;
    internal const short Tap = 2;
    internal const short NoPacketInformation = 0x1000;
    internal const short VirtioHeader = 0x4000;

    /// <summary>struct ifreq: a name of 16 bytes, then what is asked.</summary>
    internal const int RequestBytes = 40;
    internal const int NameBytes = 16;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Control(int descriptor, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Control(int descriptor, nuint request, nuint argument);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int descriptor, byte* buffer, nuint length);
}
