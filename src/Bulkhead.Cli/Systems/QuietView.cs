using Bulkhead.Cli.Control;

namespace Bulkhead.Cli.Systems;

/// <summary>Nothing but what happened to domains.</summary>
internal sealed class QuietView(TextWriter output) : ISystemView
{
    /// <inheritdoc/>
    public void Line(string domain, string text)
    {
    }

    /// <inheritdoc/>
    public void Note(string text) => output.WriteLine(text);

    /// <inheritdoc/>
    public void Flush()
    {
    }

    /// <inheritdoc/>
    public void Tick(double elapsedSeconds, IReadOnlyList<DomainStatus> domains)
    {
    }

    /// <inheritdoc/>
    public void End(int exitCode, IReadOnlyList<DomainStatus> domains)
    {
    }
}
