using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Store;

/// <summary>A block as it is kept, wherever its page, its code and its numbers will be.</summary>
/// <remarks>
/// <i>Shape</i>: this; its notes; its <c>CodePlace</c>s; its <see cref="StoredEdge"/>s; where in the page the instructions stand that are
/// interpreted, 16 bits each; its code; all of it filled up to a multiple of 4. In the code, a branch to outside holds how far from the
/// start of the code cache its thunk is, or below 0 the complement of the offset in the page of the block it goes to; numbers count
/// from the block's first; its edges are not linked.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct StoredBlock
{
    internal int CodeBytes;

    /// <summary>Where in the page it begins.</summary>
    internal ushort Offset;
    internal ushort Places;
    internal ushort Edges;
    internal ushort Interpreted;
    internal byte Count;
    internal byte Notes;
    internal byte FlagsEntry;
    internal byte Unused;

    /// <summary>Bytes of all of it.</summary>
    internal readonly int Bytes =>
        (Unsafe.SizeOf<StoredBlock>() + ((Notes + Places) * sizeof(uint)) + (Edges * Unsafe.SizeOf<StoredEdge>()) + (Interpreted * sizeof(ushort)) + CodeBytes + 3) & ~3;
}
