using System.Text.Json.Serialization;

namespace Bulkhead.Cli.Control;

/// <summary>What a client asks of a running system: one line of JSON.</summary>
internal sealed record ControlRequest
{
    /// <summary>The verb, as on the command line.</summary>
    public required string Verb { get; init; }

    /// <summary>The domain it is about, where it is about one.</summary>
    public string? Domain { get; init; }

    /// <summary>How long a domain gets to end by itself, or what is traced, in seconds.</summary>
    public double? Seconds { get; init; }

    /// <summary>What is to change.</summary>
    [JsonConverter(typeof(TextValues))]
    public IReadOnlyDictionary<string, string>? Values { get; init; }

    /// <summary>For <c>type</c>: the text; for <c>keys</c>: the keys, with spaces between them.</summary>
    public string? Text { get; init; }

    /// <summary>For <c>console</c>, <c>logs</c> and <c>window</c>: which of its consoles; null for the first serial port.</summary>
    public string? Device { get; init; }

    /// <summary>For <c>capture</c> and <c>link</c>: which network card, from 0.</summary>
    public int? Card { get; init; }

    /// <summary>How many of the last lines are wanted; null for all there are.</summary>
    public int? Lines { get; init; }

    /// <summary>Whether to go on with what comes; for <c>trace</c>, rather than with what is remembered.</summary>
    public bool Follow { get; init; }
}
