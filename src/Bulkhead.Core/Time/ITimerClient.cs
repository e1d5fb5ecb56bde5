namespace Bulkhead.Core.Time;

/// <summary>Somebody with a deadline.</summary>
public interface ITimerClient
{
    /// <summary>The deadline passed; called once per arming, on the thread that runs the queue, with no lock held.</summary>
    void OnTimer(long nowNs);
}
