namespace Bulkhead.Translator.Interpret;

/// <summary>What the interpreter may do to the vCPU's cached translations.</summary>
internal interface ITlbControl
{
    /// <summary>Forgets every translation (CR0, CR4, EFER writes, INVPCID).</summary>
    void FlushAll();

    /// <summary>Forgets every translation but those of global pages (CR3 writes).</summary>
    void FlushLocal();

    /// <summary>Forgets the translations of one page (INVLPG), in every view.</summary>
    void FlushPage(ulong address);
}
