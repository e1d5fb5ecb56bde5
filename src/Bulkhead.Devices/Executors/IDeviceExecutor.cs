namespace Bulkhead.Devices.Executors;

/// <summary>Runs a device's work, one call at a time: on a thread of its own, or at once where time is made of instructions.</summary>
/// <remarks><i>Threading</i>: any. The creator disposes it, after which nothing runs.</remarks>
public interface IDeviceExecutor : IDisposable
{
    /// <summary>Others that may work beside it, where the work is mostly waiting: started by the same device, disposed with this one.</summary>
    IReadOnlyList<IDeviceExecutor> Helpers => [];

    /// <summary>Says what the work is. Once, before anything rings.</summary>
    /// <param name="work">Does what there is to do; called again whenever it was rung since it began.</param>
    /// <param name="failed">Told of what the work threw, which is a bug of ours.</param>
    void Start(Action work, Action<Exception> failed);

    /// <summary>There is work.</summary>
    void Ring();

    /// <summary>Looks for a while whether there is more to do, where that came soon the last time; true: there may be. From the work itself.</summary>
    /// <remarks><i>Cost</i>: time of a host CPU that no vCPU is meant to run on; none elsewhere.</remarks>
    bool Linger(Func<bool> more);

    /// <summary>There is work at a time, in nanoseconds of the domain's clock. From the work itself; the last one said counts.</summary>
    void RingAt(long timeNs);
}
