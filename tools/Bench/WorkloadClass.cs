using Bulkhead.Tools.Bench.Runners;

namespace Bulkhead.Tools.Bench;

/// <summary>A class of workloads: how it is measured, and what it is to reach.</summary>
/// <param name="Name">Its name.</param>
/// <param name="What">What it is, in a few words.</param>
/// <param name="Targets">What it is to reach.</param>
internal sealed record WorkloadClass(string Name, string What, params IReadOnlyList<Target> Targets)
{
    /// <summary>How many CPUs it is for.</summary>
    internal int Cpus { get; init; } = 1;

    /// <summary>What its tables are in.</summary>
    internal Unit Unit { get; init; } = Unit.Milliseconds;

    /// <summary>What measures it.</summary>
    internal IRunner Runner { get; init; } = new ServedRunner();

    /// <summary>The workloads that are neither the guest program's nor Debian's programs.</summary>
    internal IReadOnlyList<Workload> Workloads { get; init; } = [];

    /// <summary>Its targets, and which are met.</summary>
    internal string Verdict(IReadOnlyList<Row> rows) => string.Join(", ", Targets.Select(t => t.Verdict(rows)));

    /// <summary>Says how one of its workloads went.</summary>
    internal void Say(Row row) =>
        Console.Error.WriteLine($"{row.Workload.Name}: {string.Join(' ', new[] { row.Native, row.Bulkhead, row.Qemu }.Select(Unit.Text).Where(t => t.Length > 0))} {Unit.Name}");
}
