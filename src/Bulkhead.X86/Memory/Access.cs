namespace Bulkhead.X86.Memory;

/// <summary>What an access to linear memory is, as paging sees it.</summary>
[Flags]
public enum Access
{
    /// <summary>A data read with supervisor rights.</summary>
    Read = 0,

    /// <summary>A write (or read-modify-write).</summary>
    Write = 1,

    /// <summary>Made with user rights (CPL 3, and not implicitly by the processor).</summary>
    User = 2,

    /// <summary>An instruction fetch.</summary>
    Fetch = 4,

    /// <summary>A supervisor access that SMAP does not stop (EFLAGS.AC set and not implicit).</summary>
    SmapExempt = 8,
}
