namespace Bulkhead.Machine.Configuration;

/// <summary>One acceptance check of a domain.</summary>
/// <remarks><i>Shape</i>: <c>docs/system-file.md</c>, Expectations.</remarks>
public sealed record Expectation
{
    /// <summary>As the file says it.</summary>
    public required string Text { get; init; }

    /// <summary>What it looks at.</summary>
    public required ExpectationKind Kind { get; init; }

    /// <summary>The words on the console.</summary>
    public string Words { get; init; } = string.Empty;

    /// <summary>By when, in nanoseconds since the domain's start; null: by the end of the test.</summary>
    public long? WithinNs { get; init; }

    /// <summary>The percentile, 100 for the longest.</summary>
    public double Percentile { get; init; }

    /// <summary>Of latency and share: how it has to stand to the limit.</summary>
    public Comparison Comparison { get; init; }

    /// <summary>The limit: nanoseconds of latency, percent of share, a count of restarts, or an exit code.</summary>
    public double Limit { get; init; }

    /// <summary>Whether it is decided as soon as it happens; else only the end of the test shows it.</summary>
    public bool IsEvent => Kind is ExpectationKind.Console or ExpectationKind.RestartsAtLeast or ExpectationKind.Exit;
}
