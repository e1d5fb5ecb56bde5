using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>Makes the running vCPU's turn end at a time.</summary>
/// <remarks><i>Threading</i>: the worker's thread. An early or late second end is harmless.</remarks>
internal interface ITurnTimer : IDisposable
{
    /// <summary>Names the vCPU whose turn ends at the deadline, or null for none.</summary>
    void Aim(IVcpu? vcpu);

    /// <summary>Sets the one deadline.</summary>
    void Arm(long deadlineNs);
}
