namespace Bulkhead.Translator.Interpret;

/// <summary>What a vector is delivered for; it decides privilege checks and the EXT bit of errors met on the way.</summary>
internal enum InterruptKind
{
    /// <summary>From the interrupt controller.</summary>
    External,

    /// <summary>A non-maskable interrupt.</summary>
    Nmi,

    /// <summary>INT n, INT3, INTO: the gate's privilege level counts.</summary>
    Software,

    /// <summary>An exception, or INT1.</summary>
    Exception,
}
