namespace Bulkhead.Cli.Machines;

/// <summary>Which CPU the guest sees.</summary>
internal enum CpuModel
{
    /// <summary>x86-64-v3 where the host has it, else x86-64-v2.</summary>
    Default,

    /// <summary>What host and translator both know.</summary>
    Host,

    /// <summary>The x86-64-v2 level (SSE4.2).</summary>
    X8664V2,

    /// <summary>The x86-64-v3 level (AVX2).</summary>
    X8664V3,
}
