namespace Bulkhead.Translator.Interpret;

/// <summary>How the delivery of an interrupt or exception ended.</summary>
internal enum DeliveryResult
{
    /// <summary>The handler (of this vector, or of a fault met on the way) executes next.</summary>
    Delivered,

    /// <summary>A fault while delivering #DF.</summary>
    TripleFault,

    /// <summary>Something the engine does not offer; <c>Interpreter.Unsupported</c> names it.</summary>
    Unsupported,
}
