namespace Bulkhead.Scheduling.Arinc653;

/// <summary>What became of one window so far.</summary>
/// <param name="RanNs">Charged time within it.</param>
/// <param name="Overruns">How many turns went on past its end into other hands: a gap or another partition's window.</param>
/// <param name="OverrunNs">For how long in all.</param>
/// <param name="LastOverrunNs">For how long the last one did.</param>
public readonly record struct WindowLog(long RanNs, long Overruns, long OverrunNs, long LastOverrunNs);
