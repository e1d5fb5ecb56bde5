namespace Bulkhead.Cli.Control;

/// <summary>One line of <c>up --json</c>.</summary>
internal sealed record SystemRecord
{
    /// <summary><c>line</c>: a guest printed; <c>note</c>: something happened; <c>status</c>: a second is over; <c>end</c>: the last one.</summary>
    public required string Type { get; init; }

    /// <summary>Who printed the line.</summary>
    public string? Domain { get; init; }

    /// <summary>The line, or what happened.</summary>
    public string? Text { get; init; }

    /// <summary>Seconds since the start.</summary>
    public double? Seconds { get; init; }

    /// <summary>The process's exit code.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Every domain.</summary>
    public IReadOnlyList<DomainStatus>? Domains { get; init; }
}
