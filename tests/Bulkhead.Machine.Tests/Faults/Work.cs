namespace Bulkhead.Machine.Tests.Faults;

/// <summary>What a domain is at when a fault is put into it.</summary>
public enum Work
{
    /// <summary>Computes, and writes to memory.</summary>
    Compute,

    /// <summary>Reads and writes devices.</summary>
    Io,

    /// <summary>Sleeps until its timer's interrupt, and answers it.</summary>
    Interrupts,

    /// <summary>Two vCPUs wake each other in turn.</summary>
    TwoVcpus,

    /// <summary>32-bit paging, with mappings that change.</summary>
    Paging,

    /// <summary>64-bit code, where a kernel lies.</summary>
    LongMode,
}
