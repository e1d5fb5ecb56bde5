namespace Bulkhead.Core.Time;

/// <summary>Where devices put their next deadline.</summary>
/// <remarks><i>Threading</i>: any thread. A client stands in the queue at most once.</remarks>
public interface ITimerQueue
{
    /// <summary>Puts or moves the deadline of <paramref name="client"/>.</summary>
    void Arm(ITimerClient client, long deadlineNs);

    /// <summary>Takes the client out; a firing already under way may still arrive.</summary>
    void Disarm(ITimerClient client);
}
