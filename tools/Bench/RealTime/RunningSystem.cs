using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>A system that runs by <c>bulkhead up --json</c>; ended with this object.</summary>
internal sealed class RunningSystem : IDisposable
{
    private const string Program = "./bulkhead";
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);
    private readonly LineProcess _process;

    private RunningSystem(LineProcess process) => _process = process;

    /// <summary>The process.</summary>
    internal int Id => _process.Id;

    /// <summary>The records that were read so far.</summary>
    internal IEnumerable<JsonObject> Records => _process.Lines.Select(Parse).OfType<JsonObject>();

    /// <summary>Starts the system of a text.</summary>
    internal static RunningSystem StartText(Bed bed, string text, params IEnumerable<string> options)
    {
        string file = Path.Combine(Bed.Folder, "realtime.yaml");
        File.WriteAllText(file, text);
        return Start(bed, bed.Free(Command(file, options)));
    }

    /// <summary>Starts a command of <see cref="Command"/>, with what stands before it.</summary>
    internal static RunningSystem Start(Bed bed, string[] command) => new(new LineProcess(command, bed.Log));

    /// <summary>The words that start a system.</summary>
    internal static string[] Command(string file, params IEnumerable<string> options) => [Program, "up", file, "--json", "--name", Bed.SystemName, .. options];

    /// <summary>What another command says of the system.</summary>
    internal static IReadOnlyList<string> Ask(params IEnumerable<string> words)
    {
        using var command = new LineProcess([Program, .. words, "--system", Bed.SystemName]);
        _ = command.ToEnd(Bed.Patience);
        return command.Lines;
    }

    /// <summary>Reads up to the first record of which something holds.</summary>
    /// <exception cref="BenchException">There is none before the end, or within the time.</exception>
    internal JsonObject Until(Func<JsonObject, bool> condition, TimeSpan time)
    {
        JsonObject? found = null;
        _ = _process.Until(line => Parse(line) is { } record && condition(found = record), time);
        return found!;
    }

    /// <summary>Reads up to a line of a domain.</summary>
    internal void UntilLine(string domain, string text, TimeSpan time) => _ = Until(r => IsLine(r, domain, text), time);

    /// <summary>Reads for a time; the last status of it.</summary>
    internal JsonObject StatusAfter(TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        return Until(r => (string?)r["type"] == "status" && watch.Elapsed >= time, time + (10 * s_second));
    }

    /// <summary>Reads to the end; the exit code.</summary>
    internal int ToEnd(TimeSpan time) => _process.ToEnd(time);

    /// <summary>What a domain printed.</summary>
    internal IReadOnlyList<string> LinesOf(string domain) => [.. Records.Where(r => IsLine(r, domain, "")).Select(static r => (string)r["text"]!)];

    /// <summary>What a status says of a domain.</summary>
    internal static JsonObject DomainOf(JsonObject status, string domain) => status["domains"]!.AsArray().Select(static d => d!.AsObject()).First(d => (string?)d["name"] == domain);

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    private static bool IsLine(JsonObject record, string domain, string text) =>
        (string?)record["type"] == "line" && (string?)record["domain"] == domain && ((string?)record["text"])!.Contains(text, StringComparison.Ordinal);

    // What goes wrong before the system runs is said in plain words.
    private static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
