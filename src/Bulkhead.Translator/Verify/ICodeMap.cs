using Bulkhead.X86.Instructions;

namespace Bulkhead.Translator.Verify;

/// <summary>What the verifier has to know of the code around a block.</summary>
internal interface ICodeMap
{
    /// <summary>Whether an instruction of this feature exists for the guest.</summary>
    bool Offers(CpuFeature feature);

    /// <summary>Where an edge of the block being verified will be patched.</summary>
    bool TryGetEdge(int edge, out EdgePlaces places);

    /// <summary>The guest RIP of an instruction that was noted as interpreted.</summary>
    ulong InterpretedAt(int number);

    /// <summary>Whether a block of page <paramref name="pageId"/> is entered at an executable address, and its guest RIP.</summary>
    bool TryFindEntry(ulong address, uint pageId, out ulong rip);
}
