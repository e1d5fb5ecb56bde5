using Bulkhead.Cli.Control;
using Bulkhead.Cli.Systems;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Tracing;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class WaitReportsTests
{
    private const long Ms = 1_000_000;

    [Fact]
    public void Bvt_SpeaksOfWhoIsBehind() => Assert.Equal(
        """
        a/0 waited 30ms, 1.0 s ago; beyond the level bound of 100us, within the worst of 53ms
               50us  the turn's end: b/0 ran when the wake-up came, and may go on for 100us
               30ms  b/0 was further behind and got 3 turns first; it may have nothing, or 53ms where a/0 has run beyond its share; the host took 1ms of it
              100us  nobody ran: until the worker looked, or the host gave it the CPU

        """,
        Explain("policy: bvt", "warp: { value: 50ms, limit: 100ms, unwarp: 1s }", "", new WaitRecord(0, 1000, 30 * Ms, null, [new WaitPart("b", 0, 50_000, 29_850_000, 3, Ms)])));

    [Fact]
    public void FixedPriority_SpeaksOfPriorities() => Assert.Equal(
        """
        a/0 waited 1.5ms, 1.0 s ago; it has no bound
              400us  b/0 has a higher priority and got a turn first; it may have any time
              1.1ms  c/0 has the same priority, and was there before it and got a turn first; it may have 1.1ms

        """,
        Explain("policy: fixed-priority", "priority: 3", "priority: 7", new WaitRecord(0, 1000, 1_500_000, null, [new WaitPart("b", 0, 0, 400_000, 1, 0), new WaitPart("c", 0, 0, 1_100_000, 1, 0)]), "priority: 3"));

    [Fact]
    public void FixedPriority_AClassCountsWithItsOwn() => Assert.Contains(
        "b/0 as urgent has a higher priority and got a turn first; it may have ",
        Explain(
            "policy: fixed-priority", "priority: 3", "priority: 1, classes: [{ name: urgent, hint: 1, priority: 9, limit: 1ms, rest: 20ms }]",
            new WaitRecord(0, 1000, Ms, null, [new WaitPart("b", 0, 0, Ms, 1, 0, "urgent")])),
        StringComparison.Ordinal);

    [Fact]
    public void Edf_SpeaksOfDeadlinesAndBudgets()
    {
        string text = Explain(
            "policy: edf", "reservation: { period: 10ms, budget: 2ms, extra: false }", "reservation: { period: 5ms, budget: 2ms }",
            new WaitRecord(0, 1000, 9 * Ms, null, [new WaitPart("b", 0, 0, 3 * Ms, 2, 0, null, 2 * Ms)], 5 * Ms));

        Assert.Contains(" 5ms  its next budget, which may be 8.2ms away\n", text, StringComparison.Ordinal);
        Assert.Contains(" 2ms    of that b/0 ran\n", text, StringComparison.Ordinal);
        Assert.Contains(" 3ms  b/0 had an earlier deadline, or budget where it had none left, and got 2 turns first; it may have ", text, StringComparison.Ordinal);
        Assert.Contains(" 1ms  nobody ran: ", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "", "took its turn of the unreserved time and got a turn first; it may have ")]
    [InlineData("", "reservation: { period: 5ms, budget: 2ms }", "has a reservation and got a turn first; it may have ")]
    [InlineData("reservation: { period: 5ms, budget: 2ms }", "", "took its turn of the unreserved time, where it had no budget left, and got a turn first; it may have nothing, or ")]
    public void Edf_WithoutReservation_SpeaksOfUnreservedTime(string own, string other, string expected) => Assert.Contains(
        $"b/0 {expected}", Explain("policy: edf", own, other, new WaitRecord(0, 1000, Ms, null, [new WaitPart("b", 0, 0, Ms, 1, 0)])), StringComparison.Ordinal);

    [Fact]
    public void Arinc653_TheTimeInOthersWindowsIsTheWindowsTerm() => Assert.Equal(
        """
        a/0 waited 81ms, 1.0 s ago; within the bound of 91ms
               80ms  its next window, which may be 90ms away
               50ms    of that b/0 ran
               20us  b/0 went on beyond its window and got a turn first
               40us  nobody ran: until the worker looked, or the host gave it the CPU

        """,
        Explain(
            "policy: arinc653, frame: { major: 100ms, windows: [{ domain: a, at: 0, length: 10ms }, { domain: b, at: 10ms, length: 60ms }, { domain: c, at: 80ms, length: 5ms }] }",
            "", "", new WaitRecord(0, 1000, 80_060_000, null, [new WaitPart("b", 0, 0, 20_000, 1, 0, null, 50 * Ms)], 80 * Ms)));

    [Fact]
    public void Arinc653_BeyondItsBound_IsNoFaultOfTheHosts() => Assert.StartsWith(
        "a/0 waited 120ms, 1.0 s ago; BEYOND THE BOUND of 91ms\n",
        Explain(
            "policy: arinc653, frame: { major: 100ms, windows: [{ domain: a, at: 0, length: 10ms }, { domain: b, at: 10ms, length: 60ms }, { domain: c, at: 80ms, length: 5ms }] }",
            "", "", new WaitRecord(0, 1000, 120 * Ms, null, [], 120 * Ms)),
        StringComparison.Ordinal);

    [Fact]
    public void Null_WaitsForTheHostAlone() => Assert.Equal(
        """
        a/0 waited 70us, 1.0 s ago; beyond the bound of 0 by what the host took
               70us  nobody ran: until the worker looked, or the host gave it the CPU

        """,
        Explain("cpus: [0, 1, 2], policy: \"null\"", "", "", new WaitRecord(0, 1000, 70_000, null, [])));

    [Fact]
    public void WokenBeforeTheChange_DispatchedAfterIt_IsHeldAgainstNothing()
    {
        var era = new PoolEra(VcpuSchedule.Compute(System("policy: bvt", "", "", "")));
        var wait = new WaitRecord(0, 1000, 180 * Ms, null, [new WaitPart("b", 0, 0, 80 * Ms, 21, 0)], 0, era);
        const string expected = """
            a/0 waited 180ms, 1.0 s ago; the shares or the policy changed meanwhile, so no bound holds for it
                   80ms  b/0 got 21 turns first
                  100ms  nobody ran: until the worker looked, or the host gave it the CPU

            """;
        Assert.Equal(expected, Text(wait)); // It has not begun.
        era.Begin(1001);
        Assert.Equal(expected, Text(wait));
        era.Begin(1000);
        Assert.Contains("b/0 was further behind", Text(wait), StringComparison.Ordinal);
    }

    [Fact]
    public void Longest_ThoseOfTheRulesThatHoldComeFirst()
    {
        WaitRecord[] waits = [.. Enumerable.Range(1, 30).Select(static i => new WaitRecord(0, i, i * Ms, null, [], IsCurrent: i <= 10))];
        IReadOnlyList<WaitReport> longest = WaitReports.Longest(waits, "a", Ms);
        var output = new StringWriter { NewLine = "\n" };
        WaitText.Write(output, "a", longest);

        Assert.Equal([10, 9, 8, 7, 6, 5, 4, 3, 30, 29, 28, 27, 26, 25, 24, 23], longest.Select(static w => w.WaitedNs / Ms));
        Assert.Equal(8, output.ToString().Split("Before the last change of shares or policy, or in it:\n")[0].Split("a/0 waited").Length - 1);
    }

    [Fact]
    public void UnknownTurns_AreNoneOfTheHosts() => Assert.Equal(
        """
        a/0 waited 180ms, 1.0 s ago; BEYOND THE WORST BOUND of 2.31ms
              100ms  b/0 was further behind and got 512 turns first; it may have 1.11ms, or 2.21ms where a/0 has run beyond its share
               80ms  others, of whose turns no more is kept

        """,
        Explain("policy: bvt", "", "", new WaitRecord(0, 1000, 180 * Ms, null, [new WaitPart("b", 0, 0, 100 * Ms, 512, 0)], UnknownNs: 80 * Ms)));

    [Fact]
    public void BeyondABoundThatIsNew_SaysForHowLongItHeld()
    {
        var era = new PoolEra(VcpuSchedule.Compute(System("policy: bvt", "", "", "")));
        era.Begin(1_000_000_000);
        Assert.StartsWith(
            "a/0 waited 90ms, 1.0 s ago; BEYOND THE WORST BOUND of 2.31ms, which had held for 0.5 s; what was run before is still charged\n",
            Text(new WaitRecord(0, 1_500_000_000, 90 * Ms, null, [new WaitPart("b", 0, 0, 90 * Ms, 9, 0)], 0, era)), StringComparison.Ordinal);
    }

    private static string Explain(string pool, string a, string b, WaitRecord wait, string c = "")
    {
        var era = new PoolEra(VcpuSchedule.Compute(System(pool, a, b, c)));
        era.Begin(0);
        return Text(wait with { Era = era });
    }

    private static string Text(WaitRecord wait)
    {
        var output = new StringWriter { NewLine = "\n" };
        WaitText.Write(output, "a", WaitReports.Longest([wait], "a", wait.WokenNs + 1_000_000_000));
        return output.ToString();
    }

    private static SystemConfig System(string pool, string a, string b, string c)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, $$"""
                pools: [{ name: p, {{(pool.StartsWith("cpus", StringComparison.Ordinal) ? string.Empty : "cpus: [0], ")}}{{pool}} }]
                domains:
                  - { name: a, image: debian, {{a}} }
                  - { name: b, image: debian, {{b}} }
                  {{(pool.Contains("bvt", StringComparison.Ordinal) ? string.Empty : $"- {{ name: c, image: debian, {c} }}")}}
                """);
            return SystemFile.Load(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
