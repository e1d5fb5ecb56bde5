using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Store;

/// <summary>Where an edge's places are, from the start of its block.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StoredEdge
{
    internal int Jump;

    /// <summary>How far before the jump; 0: none.</summary>
    internal ushort IdBefore;

    /// <summary>How far behind the jump; 0: none.</summary>
    internal ushort MissAfter;
}
