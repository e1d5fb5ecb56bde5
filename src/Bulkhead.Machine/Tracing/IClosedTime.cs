namespace Bulkhead.Machine.Tracing;

/// <summary>Knows when one that waits could not have run, whoever else wanted to.</summary>
/// <remarks><i>Threading</i>: the worker. <i>Cost</i>: allocates nothing.</remarks>
internal interface IClosedTime
{
    /// <summary>How much of a time was closed to one that waits in all of it; 0 where nothing ever is.</summary>
    long ClosedNs(int entry, long fromNs, long toNs);
}
