using System.Runtime.InteropServices;

namespace Bulkhead.Translator.State;

/// <summary>What the sampling signal's handler writes: emitted code (<see cref="Emit.TrapHandler"/>) on the vCPU's thread.</summary>
/// <remarks>The oldest entries are overwritten where nobody takes them in time.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SampleRing
{
    /// <summary>How many entries there are; a power of two.</summary>
    internal const int Entries = 4096;

    /// <summary>Bytes before the entries.</summary>
    internal const int Header = 32;

    /// <summary>Bytes of the whole.</summary>
    internal const ulong Bytes = Header + (Entries * 32);

    /// <summary>The number of the next sample.</summary>
    internal ulong Next;

    /// <summary>An entry.</summary>
    internal static Entry* At(SampleRing* ring, ulong number) => (Entry*)((byte*)ring + Header) + (number & (Entries - 1));

    /// <summary>One look at the thread.</summary>
    internal struct Entry
    {
        /// <summary>The host's instruction pointer.</summary>
        internal ulong HostRip;

        /// <summary>What it did.</summary>
        internal ulong Activity;

        /// <summary><see cref="VcpuState.CodeBase"/>.</summary>
        internal ulong CodeBase;

        private ulong _unused;
    }
}
