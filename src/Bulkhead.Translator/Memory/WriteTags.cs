using Bulkhead.Host.Memory;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Memory;

/// <summary>For each RAM page, where in a vCPU's data TLB there may be write tags for it: two places, or "anywhere".</summary>
/// <remarks><i>Threading</i>: the vCPU's thread adds before it writes the tag; another takes under the code space's lock, after it
/// has set the page's flag, which the vCPU reads after the tag.</remarks>
internal sealed unsafe class WriteTags : IDisposable
{
    private const uint Anywhere = uint.MaxValue;
    private readonly PrivateMemory _memory;

    internal WriteTags(int ramPages) => _memory = new PrivateMemory((ulong)ramPages * sizeof(uint));

    /// <summary>A write tag may be there from now on. Of two places that are known, one where the TLB has none any more
    /// makes room.</summary>
    internal void Add(int ramPage, int view, int index, SoftTlb tlb)
    {
        ref uint word = ref Word(ramPage);
        uint place = new Place(view, index).Number;
        uint old = word;
        (uint first, uint second) = ((ushort)old, old >> 16);
        if (old == Anywhere || first == place || second == place)
        {
            return;
        }

        uint both = first == 0 || !tlb.Holds(Place.Of((ushort)first), ramPage) ? old & ~0xFFFFu | place
            : second == 0 || !tlb.Holds(Place.Of((ushort)second), ramPage) ? first | (place << 16)
            : Anywhere;
        Volatile.Write(ref word, both);
    }

    /// <summary>Forgets the places of a page. False: they may be anywhere; a place taken twice stands for one.</summary>
    internal bool TryTake(int ramPage, out Place first, out Place second)
    {
        uint word = Interlocked.Exchange(ref Word(ramPage), 0);
        first = Place.Of((ushort)word);
        second = Place.Of((ushort)(word >> 16));
        return word != Anywhere;
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private ref uint Word(int ramPage) => ref ((uint*)_memory.Pointer)[ramPage];

    /// <summary>An entry of the data TLB.</summary>
    internal readonly record struct Place(int View, int Index)
    {
        /// <summary>Never 0, and of 16 bits.</summary>
        internal uint Number => (uint)((View + 1) * VcpuState.TlbEntries) | (uint)Index;

        /// <summary>The place of a number; of 0 some place.</summary>
        internal static Place Of(ushort number) => new(Math.Max((number / VcpuState.TlbEntries) - 1, 0), number & (VcpuState.TlbEntries - 1));
    }
}
