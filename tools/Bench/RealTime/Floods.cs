using System.Globalization;
using System.Text.Json.Nodes;
using Bulkhead.Tools.Bench.Runners;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>What a domain that computes loses to a neighbour on its CPU that floods a vCPU with timers, interrupts, start-ups or exits.</summary>
/// <remarks>Both are the kernel <c>floods.elf</c>, of equal rights. What the victim says of itself counts, not what it is charged.</remarks>
internal static class Floods
{
    private const int Seconds = 5;
    private const int QuickSeconds = 2;
    private const string CalmPercent = "calmPercent";

    // Until everything is translated.
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_startTime = TimeSpan.FromSeconds(60);

    /// <summary>Measures every flood for which there are CPUs.</summary>
    internal static JsonObject Run(Bed bed)
    {
        string data = Path.GetFullPath(Path.Combine(Bed.Folder, "data"));
        _ = Directory.CreateDirectory(data);
        (IReadOnlyList<string> said, int exitCode) = Command.Run(["bench/guest/build", data]);
        if (exitCode != 0)
        {
            throw new BenchException($"the guest program does not compile; it needs gcc (apt-get install gcc libc6-dev): {string.Join(" / ", said.TakeLast(5))}");
        }

        double hz = ExitsKernel.TscHz(Path.Combine(data, "bench"));
        string kernel = Path.Combine(data, "floods.elf");
        int seconds = bed.Quick ? QuickSeconds : Seconds;
        Flood[] floods = [.. Flood.All.Where(f => f.Vcpus <= bed.Allowed.Count)];
        JsonObject[] rows = [.. floods.GroupBy(static f => (f.Policy, f.Vcpus)).SelectMany(group => Compare([.. group], flood => Run(bed, flood, kernel, seconds, hz)))];
        string[] leftOut = [.. Flood.All.Except(floods).Select(static f => $"{f.Policy} {f.Kind}")];
        if (leftOut.Length > 0)
        {
            Console.Error.WriteLine($"not measured, since they need two CPUs: {string.Join(", ", leftOut)}");
        }

        return new JsonObject { ["seconds"] = seconds, ["rows"] = new JsonArray([.. rows]), ["leftOut"] = new JsonArray([.. leftOut.Select(static l => JsonValue.Create(l))]) };
    }

    /// <summary>How many loops in a second the victim says it made, a figure for each of its lines.</summary>
    /// <param name="lines">What it printed: <c>flood: victim LOOPS CYCLES</c>.</param>
    /// <param name="hz">The rate of the TSC.</param>
    internal static double[] Rates(IEnumerable<string> lines, double hz) =>
    [
        .. lines.Select(static l => l.Split(' '))
            .Where(static w => w is ["flood:", "victim", _, _])
            .Select(w => Number(w[2]) * hz / Number(w[3])),
    ];

    /// <summary>Measures floods of one policy and as many vCPUs; the row of the calm one, then one for each.</summary>
    /// <remarks>Each is compared with the calm before and after it, since a machine that others use as well is not equally fast for long.</remarks>
    /// <param name="group">The calm one and the others.</param>
    /// <param name="run">Measures one.</param>
    internal static IReadOnlyList<JsonObject> Compare(IReadOnlyList<Flood> group, Func<Flood, JsonObject> run)
    {
        Flood calm = group.Single(static f => f.Kind == Flood.Calm);
        var calms = new List<JsonObject> { run(calm) };
        var rows = new List<JsonObject>();
        foreach (Flood flood in group.Where(static f => f.Kind != Flood.Calm))
        {
            JsonObject row = run(flood);
            calms.Add(run(calm));
            row[CalmPercent] = Percent(Loops(row), (Loops(calms[^2]) + Loops(calms[^1])) / 2);
            rows.Add(row);
        }

        // The middle one stands for all; how far they are apart is how far the others' percents can be trusted.
        JsonObject[] sorted = [.. calms.OrderBy(Loops)];
        JsonObject middle = sorted[sorted.Length / 2];
        middle["calmLeastPercent"] = Percent(Loops(sorted[0]), Loops(middle));
        middle["calmMostPercent"] = Percent(Loops(sorted[^1]), Loops(middle));
        return [middle, .. rows];
    }

    private static double Loops(JsonObject row) => (double)row["victimLoopsPerSecond"]!;

    private static double Percent(double part, double whole) => whole == 0 ? throw new BenchException("the victim makes no progress beside a domain that computes") : Math.Round(100 * part / whole, 1);

    private static JsonObject Run(Bed bed, Flood flood, string kernel, int seconds, double hz)
    {
        Surroundings around = Surroundings.Look(bed.Cpu);
        using RunningSystem system = RunningSystem.StartText(bed, SystemFiles.Flooded(flood, kernel, bed.Cpu, bed.Allowed[0]));

        // It starts when the flood goes on. It need not get so far as to say anything.
        _ = system.Until(static r => (string?)r["type"] == "status" && (string?)RunningSystem.DomainOf(r, SystemFiles.Victim)["state"] is "booting" or "running", s_startTime);
        JsonObject first = system.StatusAfter(s_warmUp);
        int before = system.Records.Count();
        long waitedNs = WorkerWait.LookNs(system.Id, bed.Cpu);
        JsonObject last = system.StatusAfter(TimeSpan.FromSeconds(seconds));
        waitedNs = WorkerWait.LookNs(system.Id, bed.Cpu) - waitedNs;
        JsonObject[] records = [.. system.Records.Skip(before)];
        if (RunningSystem.DomainOf(last, SystemFiles.Attacker) is var attacker && (string?)attacker["state"] != "running")
        {
            throw new BenchException($"{flood.Policy} {flood.Kind}: the attacker is {attacker["state"]}: {string.Join(" / ", system.LinesOf(SystemFiles.Attacker).TakeLast(2))}");
        }

        double[] rates = Rates(records.Where(static r => (string?)r["type"] == "line" && (string?)r["domain"] == SystemFiles.Victim).Select(static r => (string)r["text"]!), hz);
        double passed = (double)last["seconds"]! - (double)first["seconds"]!;
        var row = new JsonObject
        {
            ["policy"] = flood.Policy,
            ["kind"] = flood.Kind,
            ["vcpus"] = flood.Vcpus,
            ["victimLines"] = rates.Length,
            ["victimLoopsPerSecond"] = rates.Length == 0 ? 0 : Math.Round(Statistics.Median(rates)),
            ["victimCpuPercent"] = Math.Round(records.Where(static r => (string?)r["type"] == "status").Average(static r => (double)RunningSystem.DomainOf(r, SystemFiles.Victim)["cpuPercent"]!), 1),
            ["attackerExitsPerSecond"] = Math.Round((Exits(last) - Exits(first)) / passed),
            ["hostTookPercent"] = Math.Round(waitedNs / 1e7 / passed, 1),
        };
        Surroundings.Look(bed.Cpu).AddTo(row, around);
        return row;

        static double Exits(JsonObject status) => (double)RunningSystem.DomainOf(status, SystemFiles.Attacker)["totalExits"]!;
    }

    private static double Number(string word) => double.Parse(word, CultureInfo.InvariantCulture);
}
