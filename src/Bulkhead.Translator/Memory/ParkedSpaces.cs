using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Memory;

/// <summary>The address spaces a guest left and may come back to without a flush: what a TLB with process-context identifiers keeps. Of
/// those whose identifiers end in the same bits one is kept.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread. <i>Source</i>: Intel SDM Vol. 3A, 4.10.1 Process-Context Identifiers (PCIDs).</remarks>
internal sealed unsafe class ParkedSpaces : IDisposable
{
    /// <summary>Linux uses six.</summary>
    private const int Spaces = 8;

    private const ulong Pcid = 0xFFF, Parked = 1ul << 63;

    private readonly PrivateMemory _memory = new(Spaces * (ulong)sizeof(ParkedSpace));
    private readonly ulong[] _names = new ulong[Spaces];

    /// <summary>Parks a space; the caller says what of it.</summary>
    internal ParkedSpace* Park(ulong cr3)
    {
        int i = IndexOf(cr3);
        _names[i] = cr3 | Parked;
        return Space(i);
    }

    /// <summary>The space that is returned to, no longer parked; null where it is not there.</summary>
    internal ParkedSpace* Take(ulong cr3)
    {
        int i = IndexOf(cr3);
        bool parked = _names[i] == (cr3 | Parked);
        _names[i] = 0;
        return parked ? Space(i) : null;
    }

    /// <summary>Drops the space of an identifier.</summary>
    internal void Drop(ulong pcid) => _names[IndexOf(pcid)] = 0;

    /// <summary>Drops all spaces.</summary>
    internal void DropAll() => Array.Clear(_names);

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private static int IndexOf(ulong cr3) => (int)(cr3 & Pcid) & (Spaces - 1);

    private ParkedSpace* Space(int index) => (ParkedSpace*)_memory.Pointer + index;
}
