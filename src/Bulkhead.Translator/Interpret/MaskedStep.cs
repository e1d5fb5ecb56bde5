namespace Bulkhead.Translator.Interpret;

/// <summary>What is done to the active lanes of a masked move.</summary>
internal enum MaskedStep
{
    /// <summary>They are loaded.</summary>
    Read,

    /// <summary>They are checked for a store.</summary>
    Probe,

    /// <summary>They are stored.</summary>
    Write,
}
