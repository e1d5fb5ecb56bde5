using System.Text.Json;
using Bulkhead.Cli.Control;

namespace Bulkhead.Cli.Systems;

/// <summary>A JSON record per line, for programs.</summary>
internal sealed class JsonView(TextWriter output) : ISystemView
{
    /// <inheritdoc/>
    public void Line(string domain, string text) => Write(new SystemRecord { Type = "line", Domain = domain, Text = text });

    /// <inheritdoc/>
    public void Note(string text) => Write(new SystemRecord { Type = "note", Text = text });

    /// <inheritdoc/>
    public void Tick(double elapsedSeconds, IReadOnlyList<DomainStatus> domains) =>
        Write(new SystemRecord { Type = "status", Seconds = elapsedSeconds, Domains = domains });

    /// <inheritdoc/>
    public void End(int exitCode, IReadOnlyList<DomainStatus> domains) =>
        Write(new SystemRecord { Type = "end", ExitCode = exitCode, Domains = domains });

    /// <inheritdoc/>
    public void Flush()
    {
    }

    private void Write(SystemRecord record) => output.WriteLine(JsonSerializer.Serialize(record, ControlJson.Default.SystemRecord));
}
