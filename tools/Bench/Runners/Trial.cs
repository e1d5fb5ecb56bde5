namespace Bulkhead.Tools.Bench.Runners;

/// <summary>A command to run by turns.</summary>
/// <param name="Bulkhead">On Bulkhead.</param>
/// <param name="Qemu">On QEMU; null without it, or where it has nothing to compare.</param>
/// <param name="Observe">Runs one of them once and takes the workloads' figures from it.</param>
internal sealed record Trial(IReadOnlyList<string> Bulkhead, IReadOnlyList<string>? Qemu, Func<IReadOnlyList<string>, IReadOnlyList<Sample>> Observe);
