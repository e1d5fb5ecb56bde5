using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Store;

/// <summary>Where an edge's places are, from the start of its block.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StoredEdge
{
    internal int Jump;

    /// <summary>-1: none.</summary>
    internal int Id;

    /// <summary>0: none.</summary>
    internal int Miss;
}
