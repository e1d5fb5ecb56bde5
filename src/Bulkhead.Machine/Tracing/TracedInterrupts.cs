using Bulkhead.Core.Interrupts;

namespace Bulkhead.Machine.Tracing;

/// <summary>An interrupt controller that notes what it delivers; stands before the real one only while a trace is written.</summary>
internal sealed class TracedInterrupts(IInterruptController inner, VcpuTrace trace) : IInterruptController
{
    public bool HasPending => inner.HasPending;

    public byte TaskPriority
    {
        get => inner.TaskPriority;
        set => inner.TaskPriority = value;
    }

    public bool TryAcknowledge(out byte vector)
    {
        bool any = inner.TryAcknowledge(out vector);
        if (any)
        {
            trace.OnInterrupt(vector);
        }

        return any;
    }
}
