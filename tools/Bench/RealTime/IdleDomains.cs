using System.Globalization;
using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>What many domains cost that do nothing.</summary>
internal static class IdleDomains
{
    private const int Most = 64;

    // With 64 the image's kernel says it is deadlocked on memory.
    private const int MemoryMiB = 80;
    private const int Seconds = 30;
    private const int QuietLooks = 3;
    private const double QuietPercent = 50;
    private const double TicksPerSecond = 100;
    private static readonly TimeSpan s_bootTime = TimeSpan.FromMinutes(8);

    /// <summary>Boots them, waits until they are at their prompts, and looks at the process; then at one that only sleeps.</summary>
    internal static JsonObject Run(Bed bed)
    {
        int seconds = bed.Quick ? bed.Seconds : Seconds;
        JsonObject idle = Domains(bed, bed.Quick ? Most / 4 : Most, seconds);
        idle["sleeperPercent"] = Math.Round(SleeperPercent((long)idle["residentKiB"]!, seconds), 2);
        return idle;
    }

    private static JsonObject Domains(Bed bed, int count, int seconds)
    {
        using RunningSystem system = RunningSystem.StartText(bed, SystemFiles.Idle(count, MemoryMiB));
        var up = new HashSet<string>();
        int quiet = 0;
        _ = system.Until(
            record =>
            {
                switch ((string?)record["type"])
                {
                    case "line":
                        _ = up.Add((string)record["domain"]!);
                        break;
                    case "status":
                        double percent = record["domains"]!.AsArray().Sum(static d => (double)d!["cpuPercent"]!);
                        quiet = up.Count == count && percent < QuietPercent ? quiet + 1 : 0;
                        break;
                }

                return quiet == QuietLooks;
            },
            s_bootTime);
        double before = CpuSeconds(system.Id);
        JsonObject first = system.StatusAfter(TimeSpan.Zero);
        JsonObject last = system.StatusAfter(TimeSpan.FromSeconds(seconds));
        double used = CpuSeconds(system.Id) - before;
        double passed = (double)last["seconds"]! - (double)first["seconds"]!;
        ProcessSize size = ProcessSize.Look(system.Id, $"memfd:{SystemFiles.IdleName}");
        int running = last["domains"]!.AsArray().Count(static d => (string?)d!["state"] == "running");
        return new JsonObject
        {
            ["domains"] = count,
            ["running"] = running,
            ["memoryMiB"] = MemoryMiB,
            ["seconds"] = Math.Round(passed, 1),
            ["cpuPercent"] = Math.Round(100 * used / passed, 2),
            ["guestsCpuPercent"] = Math.Round(last["domains"]!.AsArray().Sum(static d => (double)d!["cpuPercent"]!), 2),
            ["residentKiB"] = size.ResidentKiB,
            ["residentPerDomainKiB"] = size.ResidentKiB / count,
            ["proportionalPerDomainKiB"] = size.ProportionalKiB / count,
            ["guestPerDomainKiB"] = size.GuestKiB / count,
        };
    }

    // What the host takes for a process that has as much memory and does nothing else than to wake once a second.
    private static double SleeperPercent(long residentKiB, int seconds)
    {
        string program = string.Create(CultureInfo.InvariantCulture, $"$| = 1; vec($memory, {(residentKiB << 10) - 1}, 8) = 1; print \"asleep\\n\"; sleep 1 while 1");
        using var sleeper = new LineProcess(["perl", "-e", program]);
        _ = sleeper.Until(static line => line == "asleep", TimeSpan.FromMinutes(1));
        Thread.Sleep(TimeSpan.FromSeconds(2));
        double before = CpuSeconds(sleeper.Id);
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        return 100 * (CpuSeconds(sleeper.Id) - before) / seconds;
    }

    private static double CpuSeconds(int process)
    {
        // After the name, which may hold blanks: state is field 3; utime and stime are 14 and 15.
        string text = File.ReadAllText($"/proc/{process}/stat");
        string[] words = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (Ticks(14) + Ticks(15)) / TicksPerSecond;

        long Ticks(int field) => long.Parse(words[field - 3], CultureInfo.InvariantCulture);
    }
}
