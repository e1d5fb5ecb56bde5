using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Bulkhead.Images;
using Bulkhead.Tools.Bench.RealTime;
using Bulkhead.Tools.Bench.Runners;

namespace Bulkhead.Tools.Bench;

/// <summary><c>bench/run</c>: each workload on the host, on Bulkhead and on QEMU's translator, in one session. Or <c>bench/realtime</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        bool realTime = args is ["realtime", ..];
        try
        {
            if (realTime)
            {
                return RealTimeProgram.Run(RealTimeOptions.Parse(args.Skip(1)));
            }

            Run(Options.Parse(args));
            return 0;
        }
        catch (BenchException e)
        {
            Console.Error.WriteLine($"bench/{(realTime ? "realtime" : "run")}: {e.Message}");
            return e.ExitCode;
        }
    }

    private static void Run(Options options)
    {
        if (options.Help)
        {
            Console.WriteLine(Options.Usage);
            return;
        }

        string data = Path.GetFullPath("artifacts/bench/data");
        _ = Directory.CreateDirectory(data);
        Require(["bench/guest/build", data], "the guest program does not compile; it needs gcc (apt-get install gcc libc6-dev)");
        Workload[] all = [.. Workload.Parse(GuestArchive.Output(Path.Combine(data, "bench"), "list")), .. Programs.All, .. Classes.All.SelectMany(c => c.Workloads)];
        Workload[] chosen = [.. all.Where(w => options.Classes.Count == 0 || options.Classes.Any(c => c.Name == w.Class))];
        if (options.Only.Count > 0)
        {
            string[] only = [.. options.Only.Select(name => Options.Find("workload", name, chosen, w => w.Name).Name)];
            chosen = [.. chosen.Where(w => only.Contains(w.Name))];
        }

        if (options.List)
        {
            Array.ForEach(chosen, w => Console.WriteLine($"{w.Name,-18} {w.Class,-14} {w.What}"));
            return;
        }

        Require(["./bulkhead", "--version"], "the engine does not build");
        Prepare(data);
        GuestImage image = new ImageStore().Resolve("debian", update: false, Console.Error.WriteLine);
        var session = new Session(data, image.KernelPath, Path.GetFullPath("artifacts/bench/initrd"), options.Repetitions, options.EngineOptions);
        GuestArchive.Write(image.InitrdPath, data, chosen, session.Initrd);
        var place = new JsonObject
        {
            ["date"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["host"] = $"{Summary.Field("/proc/cpuinfo", "model name")}, {Environment.ProcessorCount} CPUs",
            ["load"] = File.ReadAllText("/proc/loadavg").Split(' ')[0],
            ["image"] = image.Version,
            ["repetitions"] = options.Repetitions,
            ["engineOptions"] = options.EngineOptions,
        };
        foreach (IGrouping<string, Workload> group in chosen.GroupBy(w => w.Class))
        {
            WorkloadClass workloadClass = Classes.Of(group.Key);
            IReadOnlyList<Row> rows = workloadClass.Runner.Run(workloadClass, [.. group], session);
            Console.WriteLine(Report.Table(workloadClass, rows));
            if (options.Only.Count == 0)
            {
                Summary.WriteClass(workloadClass, Report.Json(workloadClass, rows, place));
            }
        }
    }

    private static void Require(IReadOnlyList<string> command, string otherwise)
    {
        using Process process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true })!;
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new BenchException(otherwise);
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
}
