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

    /// <summary>The same where address spaces have identifiers: those of the space that is left may be kept until it is returned to.</summary>
    /// <param name="from">CR3 of the space that is left.</param>
    /// <param name="to">CR3 of the one that is entered.</param>
    /// <param name="keeps">Whether what was kept of that one is still true.</param>
    void ChangeSpace(ulong from, ulong to, bool keeps);

    /// <summary>Forgets what was kept of the space of an identifier.</summary>
    void ForgetSpace(ulong pcid);

    /// <summary>Forgets the translations of one page (INVLPG), in every view.</summary>
    void FlushPage(ulong address);
}
