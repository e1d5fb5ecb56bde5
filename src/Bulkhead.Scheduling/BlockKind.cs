namespace Bulkhead.Scheduling;

/// <summary>Why a vCPU stopped being runnable.</summary>
public enum BlockKind
{
    /// <summary>It had nothing to do (HLT): on waking it may not use the time it slept through.</summary>
    Voluntary,

    /// <summary>It was stopped by us (paused, waiting for memory): on waking it is owed the time it lost.</summary>
    Involuntary,
}
