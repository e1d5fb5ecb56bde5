using Bulkhead.Machine;

namespace Bulkhead.Cli.Machines;

/// <summary>One guest to run; every value is checked, every path absolute and, where it is read, there.</summary>
internal sealed record RunRequest
{
    /// <summary>The guest; its serial output goes where <see cref="Serial"/> says.</summary>
    internal required DomainRequest Guest { get; init; }

    /// <summary>The engine asked for.</summary>
    internal required EngineChoice Engine { get; init; }

    /// <summary>What the guest's time is made of.</summary>
    internal required ClockChoice Clock { get; init; }

    /// <summary>Switches of the engine, for developers.</summary>
    internal required string EngineOptions { get; init; }

    /// <summary>The first serial port's other end.</summary>
    internal required SerialTarget Serial { get; init; }

    /// <summary>What the operator is told as soon as the guest is about to run, or null for nothing.</summary>
    internal string? Greeting { get; init; }

    /// <summary>Where what its display shows at the end is written, or null for nowhere.</summary>
    internal string? ScreenshotPath { get; init; }

    /// <summary>When to give up (exit code 124), in nanoseconds of wall time from the start of the machine; null for never.</summary>
    internal required long? TimeoutNs { get; init; }

    /// <summary>Whether counters are printed to standard error at the end.</summary>
    internal required bool Stats { get; init; }

    /// <summary>Where the guest's profile is written, or null for none.</summary>
    internal required string? ProfilePath { get; init; }

    /// <summary>Where a trace is written, or null for no trace.</summary>
    internal required string? TracePath { get; init; }
}
