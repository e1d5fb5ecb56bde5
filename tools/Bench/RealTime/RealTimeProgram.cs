using System.Globalization;
using System.Text.Json.Nodes;
using Bulkhead.Host.Threads;
using Bulkhead.Images;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary><c>bench/realtime</c>: one part after the other.</summary>
internal static class RealTimeProgram
{
    /// <summary>Measures and reports; the exit code, 1 where a part could not be measured.</summary>
    /// <exception cref="BenchException">Nothing can be measured.</exception>
    internal static int Run(RealTimeOptions options)
    {
        if (options.Help)
        {
            Console.WriteLine(RealTimeOptions.Usage);
            return 0;
        }

        // Builds the binary, so that no system waits for it.
        if (Runners.Command.Run(["./bulkhead", "--version"], TimeSpan.FromMinutes(10)).ExitCode != 0)
        {
            throw new BenchException("the engine does not build");
        }

        Bed bed = Prepare(options);
        JsonObject results = new() { ["benchmark"] = "wake-up latencies and what the scheduler does", ["place"] = Place(bed) };
        var parts = new JsonArray();
        results["parts"] = parts;
        bool all = true;
        foreach (Part part in Parts.All.Where(p => options.Only.Count == 0 || options.Only.Contains(p.Name)))
        {
            Console.Error.WriteLine($"{part.Name}: {part.What}");
            try
            {
                parts.Add((JsonNode)part.Run(bed));
            }
            catch (BenchException e)
            {
                Console.Error.WriteLine($"{part.Name}: {e.Message}");
                parts.Add((JsonNode)new JsonObject { ["name"] = part.Name, ["what"] = part.What, ["failed"] = e.Message });
                all = false;
            }
        }

        // As it will be read again: what was put in as a whole number is then any number.
        results = JsonNode.Parse(results.ToJsonString())!.AsObject();
        Console.WriteLine();
        Console.Write(RealTimeReport.Text(results));
        if (options.Only.Count == 0)
        {
            Summary.WriteRealTime(results);
        }

        return all ? 0 : 1;
    }

    private static Bed Prepare(RealTimeOptions options)
    {
        int[] allowed = HostThread.AllowedCpus();
        int[] others = allowed[..^1];
        if (others.Length > 0)
        {
            // What watches is not to be part of the load.
            _ = HostThread.TryPin(others);
        }

        _ = Directory.CreateDirectory(Bed.Folder);
        var images = new ImageStore();
        GuestImage realTime = images.Resolve("debian-rt", update: false, Console.Error.WriteLine);
        GuestImage busy = images.Resolve("debian", update: false, Console.Error.WriteLine);
        return new Bed(allowed[^1], allowed, options.Seconds, options.Quick, realTime, busy);
    }

    private static JsonObject Place(Bed bed) => new()
    {
        ["date"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        ["host"] = $"{Summary.Field("/proc/cpuinfo", "model name")}, {bed.Allowed.Count} CPUs",
        ["kernel"] = File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        ["load"] = File.ReadAllText("/proc/loadavg").Split(' ')[0],
        ["image"] = bed.RealTimeGuest.Version,
        ["qemu"] = QemuCyclictest.Version(),
        ["cpu"] = bed.Cpu,
        ["seconds"] = bed.Seconds,
        ["quick"] = bed.Quick,
    };
}
