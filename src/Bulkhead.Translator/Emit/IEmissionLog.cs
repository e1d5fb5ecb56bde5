using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Emit;

/// <summary>What the emitter tells and asks the code space while it writes a block.</summary>
internal unsafe interface IEmissionLog
{
    /// <summary>Whether an instruction of this feature exists for the guest.</summary>
    bool Offers(CpuFeature feature);

    /// <summary>Note <paramref name="note"/> of the block: where an instruction stands, and where the flags are should it fault. Notes
    /// are in the order of their host code: one for each instruction, then one for each that is emitted again out of line.</summary>
    void NoteInstruction(int note, int hostOffset, int guestOffset, bool flagsSaved);

    /// <summary>Remembers an instruction that is interpreted; its number, of 24 bits.</summary>
    int NoteInterpreted(in Instruction instruction);

    /// <summary>A new direct jump out of the block, whose rel32 stands at <paramref name="jumpPlace"/>; <paramref name="idPlace"/>: where its page id is
    /// compared, or -1.</summary>
    int NewEdge(uint sourcePage, int jumpPlace, int idPlace);

    /// <summary>The edge, within its page, leaves the flags in the state.</summary>
    void SetEdgeSaved(int edge);

    /// <summary>Where the rel32 stands of the call that leaves when the edge's page ids differ.</summary>
    void SetEdgeMiss(int edge, int place);

    /// <summary>A block of the page being translated, if it is there already.</summary>
    bool TryFind(uint pageId, ulong rip, out byte* entry);
}
