namespace Bulkhead.Machine.Tracing;

/// <summary>What a trace event is.</summary>
internal enum TraceKind : byte
{
    /// <summary>A VM exit; the code is its reason.</summary>
    Exit,

    /// <summary>An interrupt was delivered; the code is its vector.</summary>
    Interrupt,

    /// <summary>The vCPU is in another class; the code is its place in the list, 0 for none.</summary>
    Class,
}
