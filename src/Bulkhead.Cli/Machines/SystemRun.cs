using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bulkhead.Host.Threads;
using Bulkhead.Images;
using Bulkhead.Machine;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Cli.Machines;

/// <summary>Runs the domains of a system file side by side: a line per domain and second, and shares at the end.</summary>
/// <remarks>The first domain is the control domain: with a duration its task is told how long to run
/// (<c>bulkhead.seconds</c>), and when it has ended the others get the power button, five seconds, and a stop.</remarks>
internal sealed class SystemRun(SystemConfig system, UpRequest request)
{
    private const int GraceMs = 5000;
    private const int SecondMs = 1000;
    private readonly Lock _console = new();

    /// <summary>Runs to the end and returns the control domain's exit code.</summary>
    internal int Run()
    {
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        int[] allowed = HostThread.AllowedCpus();
        int[] cpus = [.. system.Pools.SelectMany(p => p.ResolveCpus(allowed)).Distinct()];
        var machine = new MachineRequest
        {
            Domains = [.. system.Domains.Select(d => Describe(d, cpus, allowed))],
            Cpus = cpus,
            AllowanceNs = system.Pools[0].AllowanceNs,
        };
        using MachineRunner runner = MachineRunner.Build(machine, engines.Seam);
        var clock = Stopwatch.StartNew();
        runner.Start();
        Domain control = runner.Domains[0];
        var before = new long[runner.Domains.Count];
        while (control.Result is null && !runner.Wait(SecondMs))
        {
            Report(runner, clock.Elapsed, before);
        }

        foreach (Domain other in runner.Domains)
        {
            other.PressPowerButton();
        }

        long total = runner.Domains.Sum(Ran);
        string[] shares = [.. runner.Domains.Select(d => Percent(Ran(d), total))];
        if (!runner.Wait(GraceMs))
        {
            runner.Stop(0, "stopped with the system");
            _ = runner.Wait();
        }

        int weights = system.Domains.Sum(static d => d.Weight);
        for (int i = 0; i < shares.Length; i++)
        {
            Say($"{runner.Domains[i].Name}: {shares[i]} of the CPU used, weight {Percent(system.Domains[i].Weight, weights)}; {runner.Domains[i].Result?.Message}");
        }

        return control.Result?.ExitCode ?? 1;
    }

    private DomainRequest Describe(DomainConfig d, int[] cpus, int[] allowed)
    {
        string kernel = d.KernelPath ?? string.Empty;
        string? initrd = d.InitrdPath;
        if (d.Image is { } recipe)
        {
            GuestImage image = request.Images.Resolve(recipe, update: false, Say);
            kernel = image.KernelPath;
            initrd = image.InitrdPath;
        }

        var line = new StringBuilder("console=ttyS0,115200 panic=-1 quiet");
        if (d.Task is { } task)
        {
            _ = line.Append(CultureInfo.InvariantCulture, $" bulkhead.task={task}");
        }

        if (request.DurationNs is { } ns && d == system.Domains[0])
        {
            _ = line.Append(CultureInfo.InvariantCulture, $" bulkhead.seconds={Math.Max(ns / 1_000_000_000, 1)}");
        }

        _ = line.Append(CultureInfo.InvariantCulture, $" {d.Append}");
        IReadOnlyList<int> mine = system.Pools.First(p => p.Name == d.Pool).ResolveCpus(allowed);
        return new DomainRequest
        {
            Name = d.Name,
            KernelPath = kernel,
            InitrdPath = initrd,
            CommandLine = line.ToString().TrimEnd(),
            MemoryBytes = d.MemoryBytes,
            Vcpus = d.Vcpus,
            Serial = new GuestLines(d.Name, Say).Write,
            Share = new Share(d.Weight, d.Warp?.ValueNs ?? 0, d.Warp?.LimitNs ?? 0, d.Warp?.UnwarpNs ?? 0),
            Placement = [.. mine.Select(c => Array.IndexOf(cpus, c))],
        };
    }

    private void Report(MachineRunner runner, TimeSpan elapsed, long[] before)
    {
        int weights = system.Domains.Sum(static d => d.Weight);
        for (int i = 0; i < runner.Domains.Count; i++)
        {
            Domain d = runner.Domains[i];
            long ran = Ran(d);
            string state = d.Result is null ? "running" : "ended";
            long exits = d.Vcpus.Sum(static v => v.ExitCount);
            Say(string.Create(
                CultureInfo.InvariantCulture,
                $"{elapsed.TotalSeconds,6:F1} {d.Name,-14} {state,-8} cpu {Percent(ran - before[i], 1_000_000_000),6} weight {Percent(system.Domains[i].Weight, weights),6} exits {exits}"));
            before[i] = ran;
        }
    }

    private static long Ran(Domain d) => d.Vcpus.Sum(static v => v.RanNs);

    private static string Percent(long part, long whole) =>
        string.Create(CultureInfo.InvariantCulture, $"{(whole == 0 ? 0 : 100.0 * part / whole):F1}%");

    private void Say(string text)
    {
        lock (_console)
        {
            Console.Out.WriteLine(text);
        }
    }
}
