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

        bool current = true;
        foreach (WaitReport wait in waits)
        {
            if (current && !wait.IsCurrent)
            {
                current = false;
                output.WriteLine("Before the last change of shares or policy, or in it:");
            }

            string name = string.Create(CultureInfo.InvariantCulture, $"{domain}/{wait.Vcpu}");
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name} waited {Time(wait.WaitedNs)}{As(wait.Class)}, {wait.SecondsAgo:F1} s ago; {Verdict(wait)}"));
            WriteTerm(output, wait);
            foreach (WaitReportPart part in wait.Parts)
            {
                Write(output, wait, part, name);
            }

            if (wait.UnknownNs > 0)
            {
                output.WriteLine($"  {Time(wait.UnknownNs),9}  others, of whose turns no more is kept");
            }

            if (wait.NobodyNs > 0)
            {
                output.WriteLine($"  {Time(wait.NobodyNs),9}  nobody ran: until the worker looked, or the host gave it the CPU");
            }
        }
    }

    private static void WriteTerm(TextWriter output, WaitReport wait)
    {
        if (wait.TermNs is not > 0)
        {
            return;
        }

        output.WriteLine($"  {Time(wait.TermNs),9}  {wait.Term}, which may be {Time(wait.TermBoundNs)} away");
        foreach (WaitReportPart part in wait.Parts.Where(static p => p.ClosedNs > 0))
        {
            output.WriteLine($"  {Time(part.ClosedNs),9}    of that {Name(part)} ran");
        }
    }

    private static void Write(TextWriter output, WaitReport wait, WaitReportPart part, string waiter)
    {
        string stolen = part.StolenNs > 0 ? $"; the host took {Time(part.StolenNs)} of it" : string.Empty;
        if (part.TurnEndNs > 0)
        {
            bool over = part.TurnEndNs - part.StolenNs > wait.TurnEndBoundNs;
            string bound = wait.TurnEndBoundNs is { } ns ? $", and may go on for {Time(ns)}{(over ? " (used up)" : string.Empty)}" : string.Empty;
            output.WriteLine($"  {Time(part.TurnEndNs),9}  the turn's end: {Name(part)} ran when the wake-up came{bound}{(part.RanNs > 0 ? string.Empty : stolen)}");
        }

        if (part.RanNs > 0)
        {
            string turns = part.Turns == 1 ? "a turn" : string.Create(CultureInfo.InvariantCulture, $"{part.Turns} turns");
            string reason = part.Reason is { } rule ? $"{rule} and " : string.Empty;
            output.WriteLine($"  {Time(part.RanNs),9}  {Name(part)} {reason}got {turns} first{Bound(wait, part, waiter)}{stolen}");
        }
    }

    // Where one is above the other, it depends on what the one that waited did before.
    private static string Bound(WaitReport wait, WaitReportPart part, string waiter) => part switch
    {
        { LevelBoundNs: not { } } => string.Empty,
        { LevelBoundNs: { } level, WorstBoundNs: { } worst } when worst > level => $"; it may have {May(level)}, or {May(worst)} where {waiter} has {Excess(wait.Policy)}",
        _ => $"; it may have {May(part.LevelBoundNs ?? 0)}",
    };

    private static string Excess(string? policy) => policy switch
    {
        "edf" => "used up its budget",
        "fixed-priority" => "used up the budget of its class",
        _ => "run beyond its share",
    };

    private static string Verdict(WaitReport wait)
    {
        if (wait is not { LevelBoundNs: { } level, WorstBoundNs: { } worst })
        {
            return "the shares or the policy changed meanwhile, so no bound holds for it";
        }

        if (IsNone(level))
        {
            return "it has no bound";
        }

        (string levelName, string worstName) = level == worst ? ("bound", "bound") : ("level bound", "worst bound");
        long host = wait.Parts.Sum(static p => p.StolenNs) + wait.NobodyNs;
        return wait.WaitedNs <= level ? $"within the {levelName} of {Time(level)}"
            : IsNone(worst) ? $"beyond the level bound of {Time(level)}; there is no worst bound"
            : wait.WaitedNs <= worst ? $"beyond the level bound of {Time(level)}, within the worst of {Time(worst)}"
            : wait.WaitedNs - host <= worst ? $"beyond the {worstName} of {Time(worst)} by what the host took"
            : $"BEYOND THE {worstName.ToUpperInvariant()} of {Time(worst)}{Age(wait)}";
    }

    // BVT forgets nothing that was run, by whatever shares.
    private static string Age(WaitReport wait) => wait.BoundSeconds is not { } age ? string.Empty : string.Create(
        CultureInfo.InvariantCulture,
        $", which had held for {age:F1} s{(wait.Policy == "bvt" ? "; what was run before is still charged" : string.Empty)}");

    private static bool IsNone(long ns) => ns >= long.MaxValue / 4;

    private static string May(long ns) => ns == 0 ? "nothing" : IsNone(ns) ? "any time" : Time(ns);

    private static string Name(WaitReportPart part) => string.Create(CultureInfo.InvariantCulture, $"{part.Domain}/{part.Vcpu}{As(part.Class)}");

    private static string As(string? name) => name is null ? string.Empty : $" as {name}";

    private static string Time(long? ns) => StatusTable.Time(ns);
}
