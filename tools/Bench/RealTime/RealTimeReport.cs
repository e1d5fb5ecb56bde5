using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>The results as tables, on the terminal and in Markdown; both are made of the JSON, so that they can be made again.</summary>
internal static class RealTimeReport
{
    private const string None = "-";
    private const int WaitLines = 8;
    private static readonly string[] s_latencyTitles =
        ["setting", "p50 us", "p99 us", "p99.9 us", "max us", "samples", "lost periods", "seconds", "load before", "load after", "stolen %"];

    private static readonly string[] s_dispatchTitles = ["setting", "p50 us", "p99 us", "p99.9 us", "max us", "level bound us", "worst bound us", "share %", "load after"];

    private static readonly string[] s_dispatchFields = ["latencyP50Ns", "latencyP99Ns", "latencyP999Ns", "latencyMaxNs", "levelBoundNs", "worstBoundNs"];

    private static readonly string[] s_entryTitles =
        ["setting", "host wakes us: p50", "its p99", "its max", "turn's end p99", "its max", "entry us: p50", "its p99", "its max", "switch us: p50", "its p99"];

    /// <summary>What a domain says of the way to its first instruction.</summary>
    internal static IReadOnlyList<string> EntryFields { get; } =
        ["hostWakeP50Ns", "hostWakeP99Ns", "hostWakeMaxNs", "turnEndP99Ns", "turnEndMaxNs", "entryP50Ns", "entryP99Ns", "entryMaxNs", "switchP50Ns", "switchP99Ns"];

    /// <summary>All tables, for a terminal.</summary>
    internal static string Text(JsonObject results)
    {
        var text = new StringBuilder();
        foreach ((string title, string[][] rows) in Tables(results))
        {
            int[] widths = [.. rows[0].Select((_, i) => rows.Max(r => r[i].Length))];
            _ = text.AppendLine(title);
            foreach (string[] row in rows)
            {
                _ = text.AppendLine(string.Join("  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd());
            }

            _ = text.AppendLine();
        }

        foreach ((string name, IEnumerable<string> why) in LongestWaits(results))
        {
            _ = text.AppendLine(WaitsTitle(name)).AppendJoin('\n', why).AppendLine().AppendLine();
        }

        return text.ToString();
    }

    /// <summary>A section of the summary.</summary>
    internal static string Markdown(JsonObject results)
    {
        JsonNode place = results["place"]!;
        var text = new StringBuilder();
        _ = text.AppendLine().AppendLine("# Real time").AppendLine()
            .AppendLine("`bench/realtime` makes these figures, one setting after the other on one CPU. *cyclictest* sleeps to the next period, 1000 us")
            .AppendLine("each, and tells how late it woke; *lost periods* are those it slept over. The host's own figures are the limit of this machine: what")
            .AppendLine("its own host takes (*stolen*), and what other processes do meanwhile (*load*), is in every row.").AppendLine()
            .AppendLine(Invariant($"{place["date"]}, {place["host"]}, CPU {place["cpu"]}, Linux {place["kernel"]}, {place["qemu"]}, {place["seconds"]} s a setting{((bool)place["quick"]! ? ", a quick run" : "")}")).AppendLine()
            .AppendLine("![latencies](realtime.svg)").AppendLine()
            .AppendLine("| setting | what |").AppendLine("|---|---|");
        foreach (JsonObject part in PartsOf(results).Where(static p => p["samples"] is not null))
        {
            _ = text.AppendLine($"| {part["name"]} | {part["what"]} |");
        }

        foreach ((string title, string[][] rows) in Tables(results))
        {
            _ = text.AppendLine().AppendLine($"## {title}").AppendLine()
                .AppendLine($"| {string.Join(" | ", rows[0])} |").Append('|').AppendLine(string.Concat(rows[0].Select(static _ => "---|")));
            foreach (string[] row in rows.Skip(1))
            {
                _ = text.AppendLine($"| {string.Join(" | ", row)} |");
            }
        }

        foreach ((string name, IEnumerable<string> why) in LongestWaits(results))
        {
            _ = text.AppendLine().AppendLine(WaitsTitle(name)).AppendLine().AppendLine("```").AppendJoin('\n', why).AppendLine().AppendLine("```");
        }

        return text.ToString();
    }

    private static IEnumerable<(string Title, string[][] Rows)> Tables(JsonObject results)
    {
        JsonObject[] parts = [.. PartsOf(results)];
        JsonObject[] latencies = [.. parts.Where(static p => p["samples"] is not null)];
        if (latencies.Length > 0)
        {
            yield return ("How late cyclictest wakes", [s_latencyTitles, .. latencies.Select(p => (string[])
                [Cell(p["name"]), Cell(p["p50Us"]), Cell(p["p99Us"]), Cell(p["p999Us"]), Cell(p["maxUs"]), Cell(p["samples"]), Cell(p["lost"]), Seconds(p), .. Around(p)])]);
        }

        JsonObject[] dispatched = [.. latencies.Where(static p => p["dispatch"] is not null)];
        if (dispatched.Length > 0)
        {
            yield return ("From wake-up to dispatch in the scheduler", [s_dispatchTitles, .. dispatched.Select(static p => (string[])
            [
                Cell(p["name"]), .. s_dispatchFields.Select(f => Microseconds(p["dispatch"]![f])),
                Cell(p["dispatch"]!["sharePercent"]), Cell(p["loadAfter"]),
            ])]);
        }

        JsonObject[] entered = [.. dispatched.Where(static p => p["dispatch"]!["entryP50Ns"] is not null)];
        if (entered.Length > 0)
        {
            yield return ("From wake-up to the guest's first instruction, where the CPU was its to take",
                [s_entryTitles, .. entered.Select(static p => (string[])[Cell(p["name"]), .. EntryFields.Select(f => Microseconds(p["dispatch"]![f]))])]);
        }

        if (Find("shares") is { } shares)
        {
            yield return (Invariant($"Shares of two burning domains over {shares["seconds"]} s"),
                [["weights", "share %", "by weight %", "off by % of it", Invariant($"within {shares["mostDeviationPercent"]}%"), "load after"],
                    .. shares["rows"]!.AsArray().Select(r => (string[])
                        [Cell(r!["weights"]), Cell(r["sharePercent"]), Cell(r["weightPercent"]), Cell(r["deviationPercent"]), YesNo(r["within"]), Cell(shares["loadAfter"])])]);
        }

        if (Find("idle") is { } idle)
        {
            yield return (Invariant($"{idle["domains"]} idle domains of {idle["memoryMiB"]} MiB on one CPU, over {idle["seconds"]} s"),
                [["CPU of the process %", "of one with as much memory that wakes once a second %", "running", "resident MiB", "a domain: resident MiB", "proportional MiB", "guest RAM MiB", "load after"],
                    [Cell(idle["cpuPercent"]), Cell(idle["sleeperPercent"]), Cell(idle["running"]), Mebibytes(idle["residentKiB"]), Mebibytes(idle["residentPerDomainKiB"]), Mebibytes(idle["proportionalPerDomainKiB"]), Mebibytes(idle["guestPerDomainKiB"]), Cell(idle["loadAfter"])]]);
        }

        if (Find("turns") is { } turns)
        {
            yield return (Invariant($"From a turn's end to another vCPU's turn, {turns["allowance"]} each"),
                [["switches", "p50 ns", "p99 ns", "a turn, p50 us", "load after"],
                    [Cell(turns["switches"]), Cell(turns["gapP50Ns"]), Cell(turns["gapP99Ns"]), Cell(turns["turnP50Us"]), Cell(turns["loadAfter"])]]);
        }

        if (Find("floods") is { } floods)
        {
            yield return (Invariant($"A neighbour's progress under floods, {floods["seconds"]} s each; calm: the attacker, of equal rights, computes"),
                [["policy", "flood", "attacker's vCPUs", "victim M loops/s", "% of calm", "victim's CPU %", "attacker's exits/s", "host took %", "load before", "load after", "stolen %"],
                    .. floods["rows"]!.AsArray().Select(r => (string[])
                        [Cell(r!["policy"]), Cell(r["kind"]), Cell(r["vcpus"]), Cell((double)r["victimLoopsPerSecond"]! / 1e6), CalmPercent(r), Cell(r["victimCpuPercent"]), Cell(r["attackerExitsPerSecond"]), Cell(r["hostTookPercent"]), .. Around(r.AsObject())])]);
        }

        if (Find("one-cpu") is { } one)
        {
            yield return ("Everything on one CPU in SCHED_FIFO", [["works", "exit code", "lines of the burning domain", "load after"],
                [YesNo(one["works"]), Cell(one["exitCode"]), Cell(one["burnLines"]), Cell(one["loadAfter"])]]);
        }

        JsonObject? Find(string name) => Array.Find(parts, p => (string?)p["name"] == name && p["failed"] is null);

        string Seconds(JsonObject part) => Cell(part["seconds"] ?? results["place"]!["seconds"]);
    }

    private static IEnumerable<(string Name, IEnumerable<string> Lines)> LongestWaits(JsonObject results) => PartsOf(results)
        .Where(static p => p["why"] is not null)
        .Select(static p => ((string)p["name"]!, p["why"]!.AsArray().Take(WaitLines).Select(static l => (string)l!)));

    private static string WaitsTitle(string name) => $"The longest waits of {name}, by `bulkhead why control`:";

    private static IEnumerable<JsonObject> PartsOf(JsonObject results) => results["parts"]!.AsArray().Select(static p => p!.AsObject());

    private static string[] Around(JsonObject part) => [Cell(part["loadBefore"]), Cell(part["loadAfter"]), Cell(part["stolenPercent"])];

    private static string Cell(JsonNode? value) => value switch
    {
        null => None,
        JsonValue v when v.TryGetValue(out double number) => Math.Round(number, 2).ToString(CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static string Microseconds(JsonNode? ns) => ns is null ? None : Cell((double)ns / 1000);

    private static string Mebibytes(JsonNode? kib) => kib is null ? None : Cell((double)kib / 1024);

    private static string CalmPercent(JsonNode row) => row["calmPercent"] is { } percent ? Cell(percent) : $"{Cell(row["calmLeastPercent"])} to {Cell(row["calmMostPercent"])}";

    private static string YesNo(JsonNode? value) => value is null ? None : (bool)value ? "yes" : "no";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
