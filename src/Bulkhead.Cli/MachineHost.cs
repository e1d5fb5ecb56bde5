using Bulkhead.Cli.Commands;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Output;
using Bulkhead.Cli.Simulation;
using Bulkhead.Cli.Systems;
using Bulkhead.Host.Memory;
using Bulkhead.Host.Terminal;
using Bulkhead.Host;
using Bulkhead.Images;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Profiling;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine;

namespace Bulkhead.Cli;

/// <summary>Runs machines in this process; what they print goes to <paramref name="output"/>.</summary>
internal sealed class MachineHost(StreamWriter output) : IMachineHost
{
    /// <inheritdoc/>
    public int Run(RunRequest request)
    {
        bool counted = request.Clock == ClockChoice.Instructions;
        string options = counted ? $"{request.EngineOptions},{TranslatorEngines.Counting}" : request.EngineOptions;
        bool samples = request.Stats || request.ProfilePath is not null;
        using var engines = TranslatorEngines.Create(samples ? $"{options},{TranslatorEngines.Sampling}" : options, CodeFolder.Path);
        using FileStream? traceFile = request.TracePath is null ? null : OutputFile.Create("--trace", request.TracePath);
        using TraceFile? trace = traceFile is null ? null : new TraceFile(traceFile);
        using FileStream? profile = request.ProfilePath is null ? null : OutputFile.Create("--profile", request.ProfilePath);
        using FileStream? screenshot = request.ScreenshotPath is null ? null : OutputFile.Create("--screenshot", request.ScreenshotPath);
        using ISerialEnd serial = request.Serial.Open(output.BaseStream);
        DomainRequest domain = request.Guest with { Serial = serial.Write };
        using MachineRunner runner = MachineRunner.Build(new MachineRequest { Domains = [domain], Trace = trace, InstructionClock = counted }, engines.Seam);
        runner.Domains[0].Noted += static text => Complaint.Write(Console.Error, text);
        using var signals = new HostSignals(runner.Stop);
        if (request.Greeting is { } greeting)
        {
            Complaint.Write(Console.Error, greeting);
        }

        if (MemoryWarning.Of([(domain.Name, domain.MemoryBytes)], "--memory", HostMemory.Read()) is { } warning)
        {
            Complaint.Write(Console.Error, warning);
        }

        serial.Attach(runner.Domains[0]);
        runner.Start();
        if (!runner.Wait(request.TimeoutNs is { } ns ? (int)Math.Min(ns / 1_000_000, int.MaxValue) : -1))
        {
            runner.Stop(ExitCode.Timeout, "the time given with --timeout is over");
            _ = runner.Wait();
        }

        DomainResult result = runner.Results()[0];
        serial.Close();
        if (result.ExitCode != 0)
        {
            Complaint.Write(Console.Error, result.Message);
        }

        if (trace is not null)
        {
            ReportTrace(trace, request.TracePath);
        }

        if (screenshot is not null)
        {
            if (runner.Domains[0].Screenshot() is { IsDark: false } image)
            {
                OutputFile.Fill("--screenshot", screenshot, image.WritePng);
            }
            else
            {
                Complaint.Write(Console.Error, $"--screenshot {request.ScreenshotPath}: the display was dark at the end");
            }
        }

        if (profile is not null)
        {
            OutputFile.Fill("--profile", profile, file =>
            {
                using var text = new StreamWriter(file, leaveOpen: true);
                ProfileReport.Write(text, runner.Domains[0]);
            });
        }

        if (request.Stats)
        {
            Statistics.Write(Console.Error, runner, engines);
        }

        return result.ExitCode;
    }

    /// <inheritdoc/>
    public int Up(UpRequest request)
    {
        ISystemView view = request.View switch
        {
            ViewChoice.Json => new JsonView(output.BaseStream),
            ViewChoice.Quiet => new QuietView(output),
            ViewChoice.Auto when Environment.GetEnvironmentVariable("TERM") != "dumb" && TerminalSize.TryRead(1, out TerminalSize first) => new LiveView(output, () => TerminalSize.TryRead(1, out TerminalSize size) ? size : first),
            _ => new PlainView(output),
        };
        using RawTerminal? silent = view is LiveView ? RawTerminal.TrySilence(0) : null;
        using var system = new LiveSystem(SystemFile.Load(request.SystemPath, ImageStore.RecipeNames), request, view);
        return request.TimeoutNs is not null
            ? new SystemTest(request, output).Run(system)
            : system.Run(request.View == ViewChoice.Json ? Console.Error : output);
    }

    /// <inheritdoc/>
    public int Validate(string systemPath)
    {
        SystemConfig system = SystemFile.Load(systemPath, ImageStore.RecipeNames);
        IReadOnlyList<VcpuSchedule> schedules = VcpuSchedule.Compute(system);
        if (MemoryWarning.Of(system, HostMemory.Read()) is { } warning)
        {
            Complaint.Write(Console.Error, warning);
        }

        ScheduleTable.Write(output, system, schedules);
        _ = VcpuSchedule.Admit(schedules);
        return 0;
    }

    /// <inheritdoc/>
    public int Simulate(SimulateRequest request) =>
        SimulationRun.Run(request, () => request.ChartPath is null ? null : OutputFile.Create("--output", request.ChartPath), output, Console.Error);

    private static void ReportTrace(TraceFile trace, string? path)
    {
        if (trace.Finish() is { } failure)
        {
            Complaint.Write(Console.Error, $"--trace {path}: writing broke off: {failure}");
        }
        else if (trace.Dropped > 0)
        {
            Complaint.Write(Console.Error, $"--trace {path}: {trace.Dropped} of {trace.Written + trace.Dropped} events were dropped; the file could not keep up.");
        }
    }
}
