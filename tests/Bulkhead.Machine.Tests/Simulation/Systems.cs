using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Simulation;

namespace Bulkhead.Machine.Tests.Simulation;

/// <summary>Small systems and their simulations.</summary>
internal static class Systems
{
    internal const long Ms = 1_000_000;

    internal static SimulationResult Simulate(string yaml, long durationMs, params (string Name, string Load)[] loads) =>
        SystemSimulation.Run(Request(yaml, durationMs, loads));

    internal static SimulationRequest Request(string yaml, long durationMs, params (string Name, string Load)[] loads) => new()
    {
        System = SystemFile.Parse("/some/where/s.yaml", yaml),
        DurationNs = durationMs * Ms,
        Loads = loads.ToDictionary(static l => l.Name, static l => Load(l.Load)),
    };

    internal static SimulatedLoad Load(string text) =>
        SimulatedLoad.TryParse(text, out SimulatedLoad load) ? load : throw new ArgumentException(text, nameof(text));

    /// <summary>All turns of a CPU in order, in whole milliseconds: name, from, to.</summary>
    internal static IEnumerable<(string Name, long FromMs, long ToMs)> Turns(SimulatedCpu cpu) => cpu.Vcpus
        .SelectMany(static v => v.Turns.Select(t => (v.Schedule.Domain.Name, t.FromNs / Ms, t.ToNs / Ms)))
        .OrderBy(static t => t.Item2);
}
