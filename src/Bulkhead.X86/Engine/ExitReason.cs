namespace Bulkhead.X86.Engine;

/// <summary>Why guest mode was left, in Intel's basic exit reasons, then the engine's own above 128.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3D, Appendix C VMX Basic Exit Reasons.</remarks>
public enum ExitReason
{
#pragma warning disable CS1591 // The manual's names.
    ExceptionOrNmi = 0,
    ExternalInterrupt = 1,
    TripleFault = 2,
    Init = 3,
    Sipi = 4,
    InterruptWindow = 7,
    TaskSwitch = 9,
    Cpuid = 10,
    Hlt = 12,
    Invd = 13,
    Invlpg = 14,
    Rdpmc = 15,
    Rdtsc = 16,
    ControlRegister = 28,
    DebugRegister = 29,
    Io = 30,
    Rdmsr = 31,
    Wrmsr = 32,
    Mwait = 36,
    Monitor = 39,
    Pause = 40,
    ApicAccess = 44,
    GdtrIdtr = 46,
    LdtrTr = 47,
    EptViolation = 48,
    Rdtscp = 51,
    PreemptionTimer = 52,
    Wbinvd = 54,
    Xsetbv = 55,
    Rdrand = 57,
    Invpcid = 58,
#pragma warning restore CS1591

    /// <summary>The engine: a block was not in any table.</summary>
    BlockLookup = 128,

    /// <summary>The engine: the soft TLB missed.</summary>
    TlbMiss = 129,

    /// <summary>The engine: an instruction done by a helper (strings, far transfers, flags).</summary>
    Helper = 130,

    /// <summary>The engine: a block was translated.</summary>
    Translate = 131,

    /// <summary>The engine: a store met a page that holds translated code.</summary>
    CodeWrite = 132,
}
