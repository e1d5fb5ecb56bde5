namespace Bulkhead.X86.Engine;

/// <summary>Why <see cref="IVcpu.Run"/> returned.</summary>
public enum StopReason
{
    /// <summary>The vCPU waits: HLT with nothing to deliver, or wait-for-SIPI.</summary>
    Halt,

    /// <summary>The time given is used up.</summary>
    Budget,

    /// <summary>Somebody kicked.</summary>
    Kicked,

    /// <summary>PAUSE again and again: it seems to wait for another vCPU. Not from every engine.</summary>
    Spin,

    /// <summary>A triple fault: the machine resets.</summary>
    TripleFault,

    /// <summary>The guest used something the engine does not offer; <see cref="IVcpu.StopDetail"/> names it.</summary>
    Unsupported,

    /// <summary>A bug of ours; <see cref="IVcpu.StopDetail"/> says what is known.</summary>
    EngineError,
}
