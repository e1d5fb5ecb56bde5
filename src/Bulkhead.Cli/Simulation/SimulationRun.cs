using Bulkhead.Cli.Commands;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Output;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;

namespace Bulkhead.Cli.Simulation;

/// <summary>Simulates the schedule of a system file and prints what came out.</summary>
internal static class SimulationRun
{
    /// <summary>Runs it; exit code 1 where a computed bound was exceeded. The chart is opened, if at all, once there is something to draw.</summary>
    internal static int Run(SimulateRequest request, Func<Stream?> openChart, TextWriter output, TextWriter errors)
    {
        SystemConfig system = SystemFile.Load(request.SystemPath);
        string[] names = [.. system.Domains.Select(static d => d.Name)];
        foreach (NamedLoad load in request.Loads)
        {
            CheckDomain(load, names);
        }

        SimulationResult result = SystemSimulation.Run(new SimulationRequest
        {
            System = system,
            Loads = request.Loads.ToDictionary(static l => l.Domain, static l => l.Load),
            DurationNs = request.DurationNs,
            OverrunNs = request.OverrunNs,
            Seed = request.Seed,
        });
        using (Stream? chart = openChart())
        {
            if (chart is not null)
            {
                GanttChart.Write(chart, result);
            }
        }

        if (request.Json)
        {
            SimulationJson.Write(output, result);
        }
        else
        {
            SimulationTable.Write(output, result);
        }

        return Judge(result, errors);
    }

    /// <summary>Says what exceeded its bound; the exit code.</summary>
    internal static int Judge(SimulationResult result, TextWriter errors)
    {
        SimulatedVcpu[] exceeded = [.. result.Cpus.SelectMany(static c => c.Vcpus).Where(static v => v.ExceedsBound)];
        foreach (SimulatedVcpu vcpu in exceeded)
        {
            Complaint.Write(
                errors,
                $"BOUND EXCEEDED: {vcpu.Name} woke at {Quantity.FormatDuration(vcpu.Latency.MaxWokenNs)} and waited {Quantity.FormatDuration(vcpu.Latency.MaxNs)}, "
                + $"more than the {Quantity.FormatDuration(vcpu.Schedule.WorstDispatchNs)} computed for it; this is an error in Bulkhead: report it with the system file and this command line.");
        }

        return exceeded.Length == 0 ? ExitCode.Ok : ExitCode.Error;
    }

    private static void CheckDomain(NamedLoad load, string[] names)
    {
        if (!names.Contains(load.Domain))
        {
            string hint = NearestName.Find(load.Domain, names) is { } near ? $"; did you mean {near}?" : ".";
            throw new OperatorException(
                $"--load {load.Domain}={load.Load}: the system has no domain {load.Domain}; its domains are {string.Join(", ", names)}{hint}", ExitCode.Usage);
        }
    }
}
