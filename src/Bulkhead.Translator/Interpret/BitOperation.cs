namespace Bulkhead.Translator.Interpret;

/// <summary>What BT, BTS, BTR and BTC do to the bit they test.</summary>
internal enum BitOperation
{
    /// <summary>BT.</summary>
    Test,

    /// <summary>BTS.</summary>
    Set,

    /// <summary>BTR.</summary>
    Reset,

    /// <summary>BTC.</summary>
    Complement,
}
