namespace Bulkhead.X86.State;

/// <summary>Whether a vCPU executes or waits.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3C, 24.4.2 Guest Non-Register State.</remarks>
public enum ActivityState : byte
{
    /// <summary>Executing.</summary>
    Active,

    /// <summary>HLT was executed.</summary>
    Halted,

    /// <summary>After a triple fault.</summary>
    Shutdown,

    /// <summary>After INIT.</summary>
    WaitForSipi,
}
