using Bulkhead.Machine.Tracing;

namespace Bulkhead.Machine.Workers;

/// <summary>Who runs next on one pCPU.</summary>
/// <remarks><i>Threading</i>: the worker's thread.</remarks>
internal interface IPolicy : IClosedTime
{
    /// <summary>Takes in a vCPU that is not runnable yet; the number names it here.</summary>
    int Add(Share share);

    /// <summary>Whether a vCPU with this share has to be dispatched in time, rather than as often as others.</summary>
    bool IsUrgent(Share share);

    /// <summary>Lets go of one that is not running; its number may be given to another.</summary>
    void Remove(int entry);

    /// <summary>Changes what one is entitled to, from now on.</summary>
    void Change(int entry, Share share);

    /// <summary>Makes it runnable.</summary>
    void Wake(int entry);

    /// <summary>Makes it not runnable; <paramref name="voluntary"/>: by HLT.</summary>
    void Block(int entry, bool voluntary);

    /// <summary>Chooses, with the longest time until the next choice; entry -1 where nobody may run now.</summary>
    (int Entry, long BudgetNs) Pick(long nowNs);

    /// <summary>Whether one that woke now might run before the turn of the one picked last is over by itself.</summary>
    bool MayPrecede(int entry) => true;

    /// <inheritdoc/>
    long IClosedTime.ClosedNs(int entry, long fromNs, long toNs) => 0;

    /// <summary>Charges the one picked last.</summary>
    void Charge(long ranNs, long nowNs);
}
