namespace Bulkhead.Translator.Emit;

/// <summary>What a thunk that looks an address up in the data TLB does besides.</summary>
internal enum MissKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Fills a page slot.</summary>
    Slot,

    /// <summary>Wears the entry out, until its page is mapped in the window.</summary>
    Window,
}
