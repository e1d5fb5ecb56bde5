using Bulkhead.Core.Memory;
using Bulkhead.X86.Memory;

namespace Bulkhead.Translator.Interpret;

/// <summary>The vCPU's cached translations, as the interpreter uses them.</summary>
internal interface ITlbControl
{
    /// <summary>Where an address leads, where that is cached for such an access.</summary>
    bool TryFind(ulong address, Access access, out Gpa place);

    /// <summary>Caches what a walk found.</summary>
    void Keep(ulong address, Access access, in Translation translation);

    /// <summary>Forgets every translation (CR0, CR4, EFER writes, INVPCID).</summary>
    void FlushAll();

    /// <summary>Forgets every translation but those of global pages (CR3 writes).</summary>
    void FlushLocal();

    /// <summary>Forgets the translations of one page (INVLPG), in every view.</summary>
    void FlushPage(ulong address);
}
