using Bulkhead.Host;
using Bulkhead.Host.Terminal;
using Bulkhead.Machine;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Profiling;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Cli.Machines;

/// <summary>Runs machines in this process.</summary>
internal sealed class MachineHost : IMachineHost
{
    /// <inheritdoc/>
    public int Run(RunRequest request)
    {
        bool counted = request.Clock == ClockChoice.Instructions;
        string options = counted ? $"{request.EngineOptions},{TranslatorEngines.Counting}" : request.EngineOptions;
        bool samples = request.Stats || request.ProfilePath is not null;
        using var engines = TranslatorEngines.Create(samples ? $"{options},{TranslatorEngines.Sampling}" : options);
        using FileStream? traceFile = OpenOutput("--trace", request.TracePath);
        using TraceFile? trace = traceFile is null ? null : new TraceFile(traceFile);
        using FileStream? profile = OpenOutput("--profile", request.ProfilePath);
        using ISerialEnd serial = request.Serial.Open();
        var domain = new DomainRequest
        {
            Name = "guest",
            KernelPath = request.KernelPath,
            InitrdPath = request.InitrdPath,
            CommandLine = $"console=ttyS0,115200 panic=-1 {request.Append}".TrimEnd(),
            MemoryBytes = request.MemoryBytes,
            Vcpus = request.Cpus,
            CpuModel = request.CpuModel switch
            {
                CpuModel.Host => "host",
                CpuModel.X8664V2 => "x86-64-v2",
                CpuModel.X8664V3 => "x86-64-v3",
                _ => "auto",
            },
            Serial = serial.Write,
            DebugExit = request.DebugExit,
        };
        using MachineRunner runner = MachineRunner.Build(new MachineRequest { Domains = [domain], Trace = trace, InstructionClock = counted }, engines.Seam);
        using var signals = new HostSignals(runner.Stop);
        serial.Attach(runner.Domains[0]);
        runner.Start();
        if (!runner.Wait(request.TimeoutNs is { } ns ? (int)Math.Min(ns / 1_000_000, int.MaxValue) : -1))
        {
            runner.Stop(Commands.ExitCode.Timeout, "the time given with --timeout is over");
            _ = runner.Wait();
        }

        DomainResult result = runner.Results()[0];
        serial.Close();
        if (result.ExitCode != 0)
        {
            Console.Error.WriteLine($"bulkhead: {result.Message}");
        }

        if (trace is not null)
        {
            ReportTrace(trace, request.TracePath);
        }

        if (profile is not null)
        {
            using var text = new StreamWriter(profile);
            ProfileReport.Write(text, runner.Domains[0]);
        }

        if (request.Stats)
        {
            Statistics.Write(Console.Error, runner.Domains, engines);
        }

        return result.ExitCode;
    }

    /// <inheritdoc/>
    public int Up(UpRequest request)
    {
        using var output = new StreamWriter(new DescriptorStream(1)) { AutoFlush = true };
        SystemConfig system = SystemFile.Load(request.SystemPath);
        _ = VcpuSchedule.Admit(system);
        using var run = new SystemRun(system, request, output);
        return run.Run();
    }

    /// <inheritdoc/>
    public int Validate(string systemPath)
    {
        SystemConfig system = SystemFile.Load(systemPath);
        IReadOnlyList<VcpuSchedule> schedules = VcpuSchedule.Compute(system);
        using (var output = new StreamWriter(new DescriptorStream(1)))
        {
            ScheduleTable.Write(output, system, schedules);
        }

        _ = VcpuSchedule.Admit(schedules);
        return 0;
    }

    private static FileStream? OpenOutput(string option, string? path)
    {
        try
        {
            return path is null ? null : File.Create(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{option} {path}: {e.Message} Give the path of a file that can be written.", Commands.ExitCode.Usage);
        }
    }

    private static void ReportTrace(TraceFile trace, string? path)
    {
        if (trace.Finish() is { } failure)
        {
            Console.Error.WriteLine($"bulkhead: --trace {path}: writing broke off: {failure}");
        }
        else if (trace.Dropped > 0)
        {
            Console.Error.WriteLine($"bulkhead: --trace {path}: {trace.Dropped} of {trace.Written + trace.Dropped} events were dropped; the file could not keep up.");
        }
    }
}
