namespace Bulkhead.X86.Msrs;

/// <summary>How a write to an MSR ended.</summary>
public enum MsrOutcome
{
    /// <summary>Done.</summary>
    Done,

    /// <summary>Done, and cached translations are no longer valid.</summary>
    DoneFlush,

    /// <summary>Known, and the value is not allowed: #GP(0).</summary>
    Refused,

    /// <summary>Not known here: a device's, or #GP(0).</summary>
    Unknown,
}
