using System.Globalization;

namespace Bulkhead.Cli.Control;

/// <summary>Long waits, explained to people.</summary>
internal static class WaitText
{
    /// <summary>Writes them, the longest first.</summary>
    internal static void Write(TextWriter output, string domain, IReadOnlyList<WaitReport> waits)
    {
        if (waits.Count == 0)
        {
            output.WriteLine($"{domain} was woken and dispatched never in the last two minutes, or at once.");
            return;
        }

        foreach (WaitReport wait in waits)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{domain}/{wait.Vcpu} waited {Time(wait.WaitedNs)}{As(wait.Class)}, {wait.SecondsAgo:F1} s ago; {Verdict(wait)}"));
            foreach (WaitReportPart part in wait.Parts)
            {
                Write(output, wait, part);
            }

            if (wait.NobodyNs > 0)
            {
                output.WriteLine($"  {Time(wait.NobodyNs),9}  nobody ran: until the worker looked, or the host gave it the CPU");
            }
        }
    }

    private static void Write(TextWriter output, WaitReport wait, WaitReportPart part)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{part.Domain}/{part.Vcpu}{As(part.Class)}");
        string stolen = part.StolenNs > 0 ? $"; the host took {Time(part.StolenNs)} of it" : string.Empty;
        if (part.TurnEndNs > 0)
        {
            bool over = part.TurnEndNs - part.StolenNs > wait.TurnEndBoundNs;
            output.WriteLine($"  {Time(part.TurnEndNs),9}  the turn's end: {name} ran when the wake-up came, and may go on for {Time(wait.TurnEndBoundNs)}{(over ? " (used up)" : string.Empty)}{(part.RanNs > 0 ? string.Empty : stolen)}");
        }

        if (part.RanNs > 0)
        {
            string turns = part.Turns == 1 ? "a turn" : string.Create(CultureInfo.InvariantCulture, $"{part.Turns} turns");
            output.WriteLine($"  {Time(part.RanNs),9}  {name} was further behind and got {turns} first; it may have {Time(part.LevelBoundNs)}, or {Time(part.WorstBoundNs)} where {(wait.WaitedNs > wait.LevelBoundNs ? "the one that waited had" : "it has")} run beyond its share{stolen}");
        }
    }

    private static string Verdict(WaitReport wait) =>
        wait.WaitedNs <= wait.LevelBoundNs ? $"within the level bound of {Time(wait.LevelBoundNs)}"
        : wait.WaitedNs <= wait.WorstBoundNs ? $"beyond the level bound of {Time(wait.LevelBoundNs)}, within the worst of {Time(wait.WorstBoundNs)}"
        : wait.WaitedNs - wait.Parts.Sum(static p => p.StolenNs) - wait.NobodyNs <= wait.WorstBoundNs ? $"beyond the worst bound of {Time(wait.WorstBoundNs)} by what the host took"
        : $"BEYOND THE WORST BOUND of {Time(wait.WorstBoundNs)}";

    private static string As(string? name) => name is null ? string.Empty : $" as {name}";

    private static string Time(long? ns) => StatusTable.Time(ns);
}
