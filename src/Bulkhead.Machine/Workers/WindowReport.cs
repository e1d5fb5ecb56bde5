namespace Bulkhead.Machine.Workers;

/// <summary>What became of one window of a time partition on one CPU.</summary>
/// <param name="Cpu">The host CPU.</param>
/// <param name="Window">The window.</param>
/// <param name="RanNs">How long its domain ran in it, in all.</param>
/// <param name="Overruns">How many turns went on past its end into other hands.</param>
/// <param name="OverrunNs">For how long in all.</param>
/// <param name="LastOverrunNs">For how long the last one did.</param>
public sealed record WindowReport(int Cpu, TimeWindow Window, long RanNs, long Overruns, long OverrunNs, long LastOverrunNs);
