namespace Bulkhead.X86.Cpuid;

/// <summary>What must hold for a feature to be offered.</summary>
internal enum FeatureSource
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>The engine does it by itself.</summary>
    Engine,

    /// <summary>The host must have it: its instructions are carried over.</summary>
    Host,

    /// <summary>The host must have it, and the model must be v3 or host.</summary>
    HostV3,

    /// <summary>The host must have it, and the model must be host.</summary>
    HostModel,
}
