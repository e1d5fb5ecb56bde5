namespace Bulkhead.Cli.Machines;

/// <summary>What the guest's time is made of.</summary>
internal enum ClockChoice
{
    /// <summary>The host's time.</summary>
    Real,

    /// <summary>The guest's own instructions.</summary>
    Instructions,
}
