namespace Bulkhead.Tools.Bench.Runners;

/// <summary>What one run showed of one workload.</summary>
/// <param name="Name">The workload.</param>
/// <param name="Nanoseconds">Null where the run does not say.</param>
/// <param name="BytesPerInstruction">See <see cref="Measurement"/>.</param>
internal readonly record struct Sample(string Name, double? Nanoseconds, double? BytesPerInstruction = null);
