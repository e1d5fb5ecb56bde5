namespace Bulkhead.Core.Interrupts;

/// <summary>Is told when a vCPU changes its task priority.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread.</remarks>
public interface ITaskPriorityObserver
{
    /// <summary>It is now <paramref name="priority"/>, as CR8 shows it (0..15).</summary>
    void OnTaskPriority(byte priority);
}
