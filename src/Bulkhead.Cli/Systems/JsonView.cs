using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Bulkhead.Cli.Control;

namespace Bulkhead.Cli.Systems;

/// <summary>A JSON record per line, for programs; each is one write.</summary>
internal sealed class JsonView : ISystemView
{
    private readonly Stream _output;
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly Utf8JsonWriter _json;

    internal JsonView(Stream output) => (_output, _json) = (output, new Utf8JsonWriter(_line));

    /// <inheritdoc/>
    public void Line(string domain, string text) => Write(new SystemRecord { Type = "line", Domain = domain, Text = text });

    /// <inheritdoc/>
    public void Note(string text) => Write(new SystemRecord { Type = "note", Text = text });

    /// <inheritdoc/>
    public void Tick(double elapsedSeconds, IReadOnlyList<DomainStatus> domains) =>
        Write(new SystemRecord { Type = "status", Seconds = elapsedSeconds, Domains = domains });

    /// <inheritdoc/>
    public void End(int exitCode, IReadOnlyList<DomainStatus> domains, ulong? stateHash) =>
        Write(new SystemRecord { Type = "end", ExitCode = exitCode, Domains = domains, StateHash = stateHash is { } hash ? hash.ToString("x16", CultureInfo.InvariantCulture) : null });

    /// <inheritdoc/>
    public void Flush()
    {
    }

    private void Write(SystemRecord record)
    {
        _line.ResetWrittenCount();
        _json.Reset();
        JsonSerializer.Serialize(_json, record, ControlJson.Default.SystemRecord);
        _line.Write("\n"u8);
        _output.Write(_line.WrittenSpan);
    }
}
