using Bulkhead.Machine.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>Turns end at an exact instruction.</summary>
internal sealed class CountedTurnTimer(InstructionClock clock) : ITurnTimer
{
    public void Aim(IVcpu? vcpu)
    {
        if (vcpu is ICountingVcpu counting)
        {
            clock.Begin(counting);
        }
        else
        {
            clock.End();
        }
    }

    public void Arm(long deadlineNs) => clock.EndTurnAt(deadlineNs);

    public void Dispose()
    {
    }
}
