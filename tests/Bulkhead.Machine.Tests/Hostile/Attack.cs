namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>What a hostile neighbour does.</summary>
public enum Attack
{
    /// <summary>Computes: no attack.</summary>
    Compute,

    /// <summary>Runs until just before its turn would end, sleeps for a moment, and comes back as a vCPU that has just woken.</summary>
    YieldBeforeTick,

    /// <summary>Sleeps for moments only: by its timer.</summary>
    WakeByTimer,

    /// <summary>Sleeps for moments only: by interrupts to itself.</summary>
    WakeBySelf,

    /// <summary>Two vCPUs interrupt each other all the time.</summary>
    Interrupts,

    /// <summary>Two vCPUs sleep, and wake each other from their interrupts.</summary>
    WakeEachOther,

    /// <summary>Two vCPUs, one of which starts the other anew all the time.</summary>
    StartAgain,

    /// <summary>Leaves guest mode with every second instruction.</summary>
    Exits,

    /// <summary>Arms every timer there is again and again, as near as it can.</summary>
    Timers,

    /// <summary>Changes the code it runs.</summary>
    ChangedCode,

    /// <summary>Forgets its address translations.</summary>
    Flushes,

    /// <summary>Runs code that was never run before.</summary>
    NewCode,

    /// <summary>Copies and fills memory with single instructions.</summary>
    LongInstructions,
}
