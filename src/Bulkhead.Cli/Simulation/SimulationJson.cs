using System.Text;
using System.Text.Json;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;

namespace Bulkhead.Cli.Simulation;

/// <summary>What came out of a simulation, as one JSON object.</summary>
/// <remarks><i>Units</i>: nanoseconds where a name ends in <c>Ns</c>; shares are parts of 1.</remarks>
internal static class SimulationJson
{
    /// <summary>Writes the object and a line end.</summary>
    internal static void Write(TextWriter output, SimulationResult result)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            SimulationRequest request = result.Request;
            json.WriteStartObject();
            json.WriteString("file", Path.GetFileName(request.System.Path));
            json.WriteNumber("durationNs", request.DurationNs);
            json.WriteNumber("overrunNs", request.OverrunNs);
            json.WriteNumber("seed", request.Seed);
            json.WriteStartArray("cpus");
            foreach (SimulatedCpu cpu in result.Cpus)
            {
                WriteCpu(json, cpu);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static void WriteCpu(Utf8JsonWriter json, SimulatedCpu cpu)
    {
        json.WriteStartObject();
        json.WriteString("pool", cpu.Pool.Name);
        json.WriteString("cpu", cpu.Name);
        json.WriteNumber("cpuCount", cpu.CpuCount);
        json.WriteString("policy", cpu.Pool.Policy.Word());
        json.WriteNumber("allowanceNs", cpu.Pool.AllowanceNs);
        json.WriteNumber("idleNs", cpu.IdleNs);
        json.WriteNumber("switches", cpu.Switches);
        json.WriteStartArray("vcpus");
        foreach (SimulatedVcpu vcpu in cpu.Vcpus)
        {
            WriteVcpu(json, vcpu);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteVcpu(Utf8JsonWriter json, SimulatedVcpu vcpu)
    {
        json.WriteStartObject();
        json.WriteString("domain", vcpu.Schedule.Domain.Name);
        json.WriteNumber("vcpu", vcpu.Schedule.Vcpu);
        json.WriteString("load", vcpu.Load.ToString());
        json.WriteNumber("ranNs", vcpu.RanNs);
        if (vcpu.RanIn.Count > 0)
        {
            json.WriteStartObject("ranInNs");
            foreach ((string name, long ranNs) in vcpu.RanIn)
            {
                json.WriteNumber(name, ranNs);
            }

            json.WriteEndObject();
        }

        json.WriteNumber("share", vcpu.Schedule.Share);
        json.WriteNumber("moves", vcpu.Moves);
        json.WriteNumber("wakeUps", vcpu.Latency.WakeUps);
        json.WriteNumber("p50Ns", vcpu.Latency.MedianNs);
        json.WriteNumber("p99Ns", vcpu.Latency.P99Ns);
        json.WriteNumber("maxNs", vcpu.Latency.MaxNs);
        json.WriteNumber("levelNs", vcpu.Schedule.LevelDispatchNs);
        json.WriteNumber("worstNs", vcpu.Schedule.WorstDispatchNs);
        json.WriteBoolean("exceeded", vcpu.ExceedsBound);
        json.WriteNumber("late", vcpu.Latency.Late);
        json.WriteEndObject();
    }
}
