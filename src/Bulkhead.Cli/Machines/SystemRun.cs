using System.Diagnostics;
using System.Globalization;
using System.Text;
using Bulkhead.Host.Threads;
using Bulkhead.Images;
using Bulkhead.Machine;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>Runs the domains of a system file side by side: a line per domain and second, and shares at the end.</summary>
/// <remarks>
/// The first domain is the control domain. A duration counts from the first line that shows it running; its task is told
/// as well (<c>bulkhead.seconds</c>) and gets a little longer to end by itself and print its result. Then every domain
/// gets the power button, five seconds, and a stop.
/// </remarks>
internal sealed class SystemRun(SystemConfig system, UpRequest request, TextWriter output) : IDisposable
{
    private const int GraceMs = 5000;
    private const int SecondMs = 1000;
    private readonly Lock _console = new();
    private readonly ManualResetEventSlim _over = new();
    private readonly HashSet<Domain> _reported = [];
    private int _signalCode;

    /// <summary>Runs to the end and returns the control domain's exit code, or that of a signal.</summary>
    internal int Run()
    {
        using TranslatorEngines engines = TranslatorEngines.Create(TranslatorEngines.AmongOthers);
        int[] allowed = HostThread.AllowedCpus();
        GuestLines[] lines = [.. system.Domains.Select(d => new GuestLines(d.Name, Say))];
        var machine = new MachineRequest
        {
            Domains = [.. system.Domains.Select((d, i) => Describe(d, lines[i]))],
            Pools = [.. system.Pools.Select(p => new PoolRequest { Name = p.Name, Cpus = p.ResolveCpus(allowed), Policy = p.Policy, Frame = p.Frame, AllowanceNs = p.AllowanceNs })],
        };
        using MachineRunner runner = MachineRunner.Build(machine, engines.Seam);
        DomainMeter[] meters = [.. system.Domains.Select((d, i) => new DomainMeter(runner.Domains[i], lines[i], WeightPercent(d)))];
        using var signals = new HostSignals((code, words) => Interrupt(runner, code, words));
        Domain control = runner.Domains[0];
        control.Ended += _ => _over.Set();
        runner.Start();
        Watch(meters);
        string[] shares = [.. system.Domains.Select((d, i) => Share(d, i, meters))];
        End(runner);
        for (int i = 0; i < shares.Length; i++)
        {
            Say($"{shares[i]}; {runner.Domains[i].Result?.Message}");
        }

        if (request.Stats)
        {
            lock (_console)
            {
                Statistics.Write(output, runner.Domains, engines);
                WindowTable.Write(output, runner.Windows());
            }
        }

        int signal = Volatile.Read(ref _signalCode);
        return signal != 0 ? signal : control.Result?.ExitCode ?? ExitCodes.Host;
    }

    /// <inheritdoc/>
    public void Dispose() => _over.Dispose();

    // A line per domain and second until the control domain ended, the duration is over, or a signal came.
    private void Watch(DomainMeter[] meters)
    {
        var clock = Stopwatch.StartNew();
        long? endNs = null;
        long beforeNs = 0;
        Say(DomainMeter.Head);
        for (int second = 1; !_over.Wait((int)Math.Max((second * (long)SecondMs) - clock.ElapsedMilliseconds, 0)); second++)
        {
            long nowNs = clock.Elapsed.Ticks * 100;
            double elapsed = nowNs / 1e9;
            foreach (DomainMeter meter in meters)
            {
                Say(meter.Line(elapsed, nowNs - beforeNs));
                SayEnd(meter.Domain);
            }

            beforeNs = nowNs;
            if (endNs is null && meters[0].IsRunning(elapsed))
            {
                endNs = request.DurationNs is { } ns ? nowNs + ns : long.MaxValue;
                foreach (DomainMeter meter in meters)
                {
                    meter.Mark();
                }
            }

            if (nowNs >= endNs)
            {
                _ = system.Domains[0].Task is not null && _over.Wait(GraceMs);
                return;
            }
        }
    }

    private void End(MachineRunner runner)
    {
        foreach (Domain domain in runner.Domains)
        {
            domain.PressPowerButton();
        }

        if (Volatile.Read(ref _signalCode) != 0 || !runner.Wait(GraceMs))
        {
            runner.Stop(ExitCodes.PowerOff, "stopped with the system");
            _ = runner.Wait();
        }
    }

    private void Interrupt(MachineRunner runner, int code, string words)
    {
        _ = Interlocked.CompareExchange(ref _signalCode, code, 0);
        runner.Stop(code, words);
        _over.Set();
    }

    private void SayEnd(Domain domain)
    {
        if (domain.Result is { } result && _reported.Add(domain))
        {
            Say($"{domain.Name}: {result.Message}");
        }
    }

    private DomainRequest Describe(DomainConfig d, GuestLines lines)
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
        return new DomainRequest
        {
            Name = d.Name,
            KernelPath = kernel,
            InitrdPath = initrd,
            CommandLine = line.ToString().TrimEnd(),
            MemoryBytes = d.MemoryBytes,
            Vcpus = d.Vcpus,
            Serial = lines.Write,
            Share = d.Share,
            Pool = system.Pools.Select(static p => p.Name).ToList().IndexOf(d.Pool),
        };
    }

    // By weight, or, where weights have no meaning, what the pool's policy assures it.
    private double WeightPercent(DomainConfig d) => system.Pools.First(p => p.Name == d.Pool) is { Policy: not SchedulingPolicy.Bvt } pool
        ? 100.0 * VcpuSchedule.Compute(system).Where(v => v.Domain == d).Sum(static v => v.Share) / pool.CpuCount
        : 100.0 * d.Weight * d.Vcpus / system.Domains.Where(other => other.Pool == d.Pool).Sum(static other => other.Weight * other.Vcpus);

    private string Share(DomainConfig d, int index, DomainMeter[] meters)
    {
        long all = 0;
        for (int i = 0; i < meters.Length; i++)
        {
            all += system.Domains[i].Pool == d.Pool ? meters[i].RanSinceMarkNs : 0;
        }

        double used = 100.0 * meters[index].RanSinceMarkNs / Math.Max(all, 1);
        return string.Create(CultureInfo.InvariantCulture, $"{d.Name}: {used:F1}% of what pool {d.Pool} ran, {meters[index].WeightPercent:F1}% {(system.Pools.First(p => p.Name == d.Pool).Policy == SchedulingPolicy.Bvt ? "by weight" : "of its CPUs assured")}");
    }

    private void Say(string text)
    {
        lock (_console)
        {
            output.WriteLine(text);
        }
    }
}
