namespace Bulkhead.Machine.Workers;

/// <summary>Makes the running vCPU's turn end at a time.</summary>
/// <remarks><i>Threading</i>: the worker's thread. An early or late second end is harmless.</remarks>
internal interface ITurnTimer : IDisposable
{
    /// <summary>Sets the one deadline.</summary>
    void Arm(long deadlineNs);
}
