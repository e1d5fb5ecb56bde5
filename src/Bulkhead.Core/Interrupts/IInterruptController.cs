namespace Bulkhead.Core.Interrupts;

/// <summary>A vCPU's side of its interrupt controller (the local APIC, with the PIC behind it in virtual-wire mode).</summary>
/// <remarks><i>Threading</i>: the vCPU's thread.</remarks>
public interface IInterruptController
{
    /// <summary>Whether an interrupt could be delivered now, priorities considered. Cheap: read at every look.</summary>
    bool HasPending { get; }

    /// <summary>The task priority as CR8 shows it (0..15).</summary>
    byte TaskPriority { get; set; }

    /// <summary>Takes the highest pending interrupt; false when there is none any more.</summary>
    bool TryAcknowledge(out byte vector);
}
