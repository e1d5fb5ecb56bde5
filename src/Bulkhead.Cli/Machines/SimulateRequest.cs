namespace Bulkhead.Cli.Machines;

/// <summary>A system whose schedule is to be simulated.</summary>
/// <param name="SystemPath">The absolute path of the system file, which is there.</param>
/// <param name="Loads">What domains do, at most once each.</param>
/// <param name="DurationNs">How long, in virtual time.</param>
/// <param name="OverrunNs">How long a turn goes on after its end was asked for.</param>
/// <param name="Seed">What random loads are made from.</param>
/// <param name="ChartPath">Where the chart goes, or null for none.</param>
/// <param name="Json">Whether the table is printed as JSON.</param>
internal sealed record SimulateRequest(
    string SystemPath, IReadOnlyList<NamedLoad> Loads, long DurationNs, long OverrunNs, ulong Seed, string? ChartPath, bool Json);
