using System.Globalization;
using Bulkhead.Cli.Control;

namespace Bulkhead.Cli.Systems;

/// <summary>Lines: what guests print behind their names, and one per domain and second.</summary>
internal sealed class PlainView(TextWriter output) : ISystemView
{
    /// <summary>The head over the lines of a second.</summary>
    internal const string Head = "  time domain           state      cpu%  weight%     exits   wakeP99";

    private bool _begun;

    /// <inheritdoc/>
    public void Line(string domain, string text) => output.WriteLine($"{domain}| {text}");

    /// <inheritdoc/>
    public void Note(string text) => output.WriteLine(text);

    /// <inheritdoc/>
    public void Tick(double elapsedSeconds, IReadOnlyList<DomainStatus> domains)
    {
        if (!_begun)
        {
            _begun = true;
            output.WriteLine(Head);
        }

        foreach (DomainStatus d in domains)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{elapsedSeconds,6:F1} {d.Name,-16} {d.State,-10} {d.CpuPercent,5:F1}    {d.WeightPercent,5:F1} {d.Exits,9} {StatusTable.Time(d.WakeP99Ns),9}"));
        }
    }

    /// <inheritdoc/>
    public void End(int exitCode, IReadOnlyList<DomainStatus> domains, ulong? stateHash) => WriteEnd(output, domains, stateHash);

    /// <summary>What became of each domain, and what it had of its pool.</summary>
    internal static void WriteEnd(TextWriter output, IReadOnlyList<DomainStatus> domains, ulong? stateHash)
    {
        foreach (DomainStatus d in domains)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{d.Name}: {d.SharePercent:F1}% of what pool {d.Pool} ran, {d.WeightPercent:F1}% {(d.Policy is null or "bvt" ? "by weight" : "assured")}; {d.Message ?? "never started"}"));
        }

        if (stateHash is { } hash)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"stateHash {hash:x16}"));
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
    }
}
