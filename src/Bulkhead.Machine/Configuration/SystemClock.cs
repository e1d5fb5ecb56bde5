namespace Bulkhead.Machine.Configuration;

/// <summary>What the time of a system is made of.</summary>
public enum SystemClock
{
    /// <summary>The host's time.</summary>
    Real,

    /// <summary>What its vCPUs execute, so that the system does the same every time.</summary>
    Virtual,
}
