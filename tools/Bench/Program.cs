using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.Images;

namespace Bulkhead.Tools.Bench;

/// <summary><c>bench/run</c>: each workload on the host, on Bulkhead and on QEMU's translator, in one session.</summary>
internal static class Program
{
    private const string Usage = "usage: bench/run [CLASS...] [--only NAME]... [--repetitions N] [--list]";
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private static int Main(string[] args)
    {
        try
        {
            return Run(args);
        }
        catch (BenchException e)
        {
            Console.Error.WriteLine($"bench/run: {e.Message}");
            return 1;
        }
    }

    private static int Run(string[] args)
    {
        int repetitions = 5;
        bool list = false;
        var classes = new List<string>();
        var only = new List<string>();
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--list": list = true; break;
                case "--only" when i + 1 < args.Length: only.Add(args[++i]); break;
                case "--repetitions" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out repetitions) && repetitions > 0: i++; break;
                case var name when name[0] != '-': classes.Add(name); break;
                default: throw new BenchException($"'{args[i]}' is not known; {Usage}");
            }
        }

        string data = Path.GetFullPath("artifacts/bench/data");
        _ = Directory.CreateDirectory(data);
        Build(data);
        Workload[] all = [.. Workload.Parse(GuestArchive.Output(Path.Combine(data, "bench"), "list")), .. Programs.All];
        if (classes.FirstOrDefault(c => all.All(w => w.Class != c)) is { } unknown)
        {
            throw new BenchException($"there is no class '{unknown}'; there are {string.Join(", ", all.Select(w => w.Class).Distinct())}");
        }

        Workload[] chosen = [.. all.Where(w => (classes.Count == 0 || classes.Contains(w.Class)) && (only.Count == 0 || only.Contains(w.Name)))];
        if (list)
        {
            Array.ForEach(chosen, w => Console.WriteLine($"{w.Name,-18} {w.Class,-14} {w.What}"));
            return 0;
        }

        Prepare(data);
        GuestImage image = new ImageStore().Resolve("debian", update: false, Console.Error.WriteLine);
        string initrd = Path.GetFullPath("artifacts/bench/initrd");
        GuestArchive.Write(image.InitrdPath, data, chosen, initrd);
        var place = new JsonObject
        {
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["host"] = $"{Field("/proc/cpuinfo", "model name")}, {Environment.ProcessorCount} CPUs",
            ["load"] = File.ReadAllText("/proc/loadavg").Split(' ')[0],
            ["image"] = image.Version,
            ["repetitions"] = repetitions,
        };
        foreach (IGrouping<string, Workload> group in chosen.GroupBy(w => w.Class))
        {
            List<Row> rows = Measure([.. group], data, image.KernelPath, initrd, repetitions);
            Console.WriteLine(Report.Table(group.Key, rows));
            if (only.Count == 0)
            {
                File.WriteAllText($"bench/results/speed-{group.Key}.json", Report.Json(group.Key, rows, place).ToJsonString(s_indented) + "\n");
                WriteSummary(all);
            }
        }

        return 0;
    }

    private static List<Row> Measure(IReadOnlyList<Workload> workloads, string data, string kernel, string initrd, int repetitions)
    {
        int cpus = workloads[0].Cpus;
        string words = $"quiet rdinit={GuestArchive.Init}";
        string root = Environment.CurrentDirectory;
        string[] native = [Path.Combine(data, "bench"), "serve"];
        using var host = new GuestConsole(data, cpus == 1 ? ["taskset", "-c", $"{Environment.ProcessorCount - 1}", .. native] : native);
        using var bulkhead = new GuestConsole(root, ["./bulkhead", "run", "--kernel", kernel, "--initrd", initrd, "--memory", "1G", "--cpus", $"{cpus}", "--append", words]);
        using GuestConsole? qemu = StartQemu(root, kernel, initrd, cpus, words);
        var rows = new List<Row>();
        foreach (Workload w in workloads)
        {
            rows.Add(new Row(w, Try(host), Try(bulkhead), qemu is null ? null : Try(qemu)));
            Console.Error.WriteLine($"{w.Name}: {rows[^1].Native?.Milliseconds:F1} {rows[^1].Bulkhead?.Milliseconds:F1} {rows[^1].Qemu?.Milliseconds:F1} ms");

            Measurement? Try(GuestConsole console)
            {
                try
                {
                    return console.Run(w, repetitions);
                }
                catch (BenchException e)
                {
                    Console.Error.WriteLine($"{w.Name}: {e.Message}");
                    return null;
                }
            }
        }

        return rows;
    }

    private static GuestConsole? StartQemu(string root, string kernel, string initrd, int cpus, string words)
    {
        const string Qemu = "/usr/bin/qemu-system-x86_64";
        if (!File.Exists(Qemu))
        {
            Console.Error.WriteLine("bench/run: without QEMU; to compare with it: apt-get install qemu-system-x86");
            return null;
        }

        return new GuestConsole(root, [Qemu, "-accel", "tcg,thread=multi", "-cpu", "max", "-display", "none", "-serial", "stdio", "-monitor", "none",
            "-no-reboot", "-m", "1G", "-smp", $"{cpus}", "-kernel", kernel, "-initrd", initrd, "-append", $"console=ttyS0 panic=-1 {words}"]);
    }

    private static void Build(string data)
    {
        using Process build = Process.Start("bench/guest/build", [data]);
        build.WaitForExit();
        if (build.ExitCode != 0)
        {
            throw new BenchException("the guest program does not compile; it needs gcc (apt-get install gcc libc6-dev)");
        }
    }

    private static void Prepare(string data)
    {
        Programs.WriteInputs(data);
        foreach (string file in Directory.EnumerateFiles("bench/programs"))
        {
            File.Copy(file, Path.Combine(data, Path.GetFileName(file)), overwrite: true);
        }

        string[] missing = [.. Programs.All.Select(p => p.Command![0]).Where(f => !File.Exists(f))];
        if (missing.Length > 0)
        {
            Console.Error.WriteLine($"bench/run: {string.Join(", ", missing)} are missing and not measured; apt-get install {string.Join(' ', Programs.Packages)}");
        }
    }

    private static void WriteSummary(IReadOnlyList<Workload> all)
    {
        JsonObject[] classes = [.. all.Select(w => $"bench/results/speed-{w.Class}.json").Distinct().Where(File.Exists).Select(f => JsonNode.Parse(File.ReadAllText(f))!.AsObject())];
        File.WriteAllText("bench/results/README.md", Report.Markdown(classes));
        File.WriteAllText("bench/results/ratios.svg", RatioPlot.Draw(classes));
    }

    private static string Field(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "";
}
