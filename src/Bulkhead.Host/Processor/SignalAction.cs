using System.Runtime.InteropServices;

namespace Bulkhead.Host.Processor;

/// <summary>struct sigaction of the C library on x86-64.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SignalAction
{
    internal nint Handler;
    internal fixed ulong Mask[16];
    internal int Flags;
    internal nint Restorer;
}
