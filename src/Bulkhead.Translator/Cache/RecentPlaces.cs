using Iced.Intel;

namespace Bulkhead.Translator.Cache;

/// <summary>Where translated code left lately in the middle of instructions: most that leave often access devices, from few places.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread.</remarks>
internal sealed unsafe class RecentPlaces
{
    private const int Entries = 32;
    private readonly Entry[] _entries = new Entry[Entries];

    /// <summary>The entry of a host address, which may hold another's.</summary>
    internal ref Entry Of(byte* left) => ref _entries[(int)left & (Entries - 1)];

    /// <summary>Forgets all: other code comes to stand there.</summary>
    internal void Clear() => Array.Clear(_entries);

    /// <summary>One place.</summary>
    internal struct Entry
    {
        /// <summary>The host address of the code that left.</summary>
        internal byte* Left;

        internal Place Place;

        /// <summary>The instruction there, if it was decoded: its <see cref="Instruction.Length"/> is not 0 then.</summary>
        internal Instruction Instruction;
    }
}
