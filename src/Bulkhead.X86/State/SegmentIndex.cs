namespace Bulkhead.X86.State;

/// <summary>Segment registers in the order of the instruction encoding, then the two system ones.</summary>
public enum SegmentIndex
{
    /// <summary>ES.</summary>
    Es,

    /// <summary>CS.</summary>
    Cs,

    /// <summary>SS.</summary>
    Ss,

    /// <summary>DS.</summary>
    Ds,

    /// <summary>FS.</summary>
    Fs,

    /// <summary>GS.</summary>
    Gs,

    /// <summary>LDTR.</summary>
    Ldtr,

    /// <summary>TR.</summary>
    Tr,
}
