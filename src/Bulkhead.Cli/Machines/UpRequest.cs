using Bulkhead.Images;

namespace Bulkhead.Cli.Machines;

/// <summary>A system of domains to run.</summary>
internal sealed record UpRequest
{
    /// <summary>How long domains get to end by themselves where nobody says: 5 s.</summary>
    internal const long DefaultGraceNs = 5_000_000_000;

    /// <summary>The absolute path of the system file, which is there.</summary>
    internal required string SystemPath { get; init; }

    /// <summary>The system's name, under which other commands find it.</summary>
    internal required string Name { get; init; }

    /// <summary>How long to run from the first line that shows the control domain running, or null for until it ends.</summary>
    internal long? DurationNs { get; init; }

    /// <summary>How long domains get to end by themselves.</summary>
    internal long GraceNs { get; init; } = DefaultGraceNs;

    /// <summary>What the operator sees.</summary>
    internal ViewChoice View { get; init; }

    /// <summary>Whether counters are printed at the end.</summary>
    internal bool Stats { get; init; }

    /// <summary>How long after its start a test ends at the latest; null where this is no test of the system's expectations.</summary>
    internal long? TimeoutNs { get; init; }

    /// <summary>Where the result of a test is written as JUnit XML, or null.</summary>
    internal string? JUnitPath { get; init; }

    /// <summary>Where the images the file names are found.</summary>
    internal required ImageStore Images { get; init; }
}
