namespace Bulkhead.Translator.Verify;

/// <summary>The sequences emitted code may hold whose instructions are not allowed by themselves.</summary>
internal enum Template : byte
{
    /// <summary>None: a single instruction.</summary>
    None,

    /// <summary>The check of a memory operand: address in r10 before, host address after.</summary>
    Check,

    /// <summary>The same against a page slot.</summary>
    SlotCheck,

    /// <summary>The same against the window's tags.</summary>
    WindowCheck,

    /// <summary>A thunk that checks: address in r10 before, host address after.</summary>
    LookUp,

    /// <summary>A transient block's: the slow path is asked at once.</summary>
    Ask,

    /// <summary>The end of a check's slow path: leaves and comes back with a host address in r10.</summary>
    MemoryExit,

    /// <summary>The same for a check against a page slot, which the thunk fills or leaves.</summary>
    SlotExit,

    /// <summary>A reason in r11 and a call of a leave thunk.</summary>
    Exit,

    /// <summary>At a block's start: the count of instructions grows.</summary>
    Count,

    /// <summary>The compare of the return stack's pointer with its limit.</summary>
    Limit,

    /// <summary>The same, and a RET.</summary>
    Return,

    /// <summary>The look for an indirect target at the jump itself.</summary>
    Dispatch,

    /// <summary>The compare of a code TLB slot with a page id.</summary>
    PageCompare,

    /// <summary>The compare of the mode that SYSCALL or SYSRET is noted for with the block's.</summary>
    Crossing,

    /// <summary>The same as <see cref="PageCompare"/> of a position-independent block, and where the page it goes to stands, kept.</summary>
    RelativeCompare,

    /// <summary>A landing pad: the compare of r10 with the return address.</summary>
    Pad,

    /// <summary>Where the page of a position-independent block stands, pushed below the return address of its call.</summary>
    PushBase,

    /// <summary>RDTSC and its offset.</summary>
    Tsc,

    /// <summary>A bit's number within its element, kept.</summary>
    BitNumber,

    /// <summary>BT, BTS, BTR or BTC of the checked element by the number kept.</summary>
    BitTest,

    /// <summary>The host address of a repeated move's source, kept.</summary>
    StringSource,

    /// <summary>A page's worth of a repeated string instruction.</summary>
    StringChunk,

    /// <summary>An access of AH to BH, whose address cannot stand in r10.</summary>
    HighByte,
}
