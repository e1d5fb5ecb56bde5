namespace Bulkhead.Translator.Interpret;

/// <summary>The instructions that save extended state.</summary>
internal enum XsaveForm
{
    /// <summary>XSAVE: everything asked for.</summary>
    Plain,

    /// <summary>XSAVEOPT: what is not in its initial configuration.</summary>
    Optimized,

    /// <summary>XSAVEC: the same, in the compacted format.</summary>
    Compacted,
}
