namespace Bulkhead.X86.Engine;

/// <summary>What a vCPU's thread does during its turn.</summary>
public enum VcpuActivity
{
    /// <summary>What lies between the others: entry and exit, finding code, interrupts.</summary>
    Dispatch,

    /// <summary>It runs the guest's code.</summary>
    Guest,

    /// <summary>It translates code.</summary>
    Translation,

    /// <summary>It translates addresses.</summary>
    Addresses,

    /// <summary>It interprets an instruction.</summary>
    Interpretation,

    /// <summary>A device answers an access.</summary>
    Devices,
}
