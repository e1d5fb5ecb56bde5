namespace Bulkhead.Tools.Bench.Runners;

/// <summary>A way to measure workloads of one class.</summary>
internal interface IRunner
{
    /// <summary>A row for each workload.</summary>
    /// <exception cref="BenchException">Nothing can be measured.</exception>
    IReadOnlyList<Row> Run(WorkloadClass workloadClass, IReadOnlyList<Workload> workloads, Session session);
}
