using Bulkhead.Host.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Workers;

/// <summary>Turns end by a timer signal whose handler the engine installed.</summary>
internal sealed class SignalTurnTimer : ITurnTimer
{
    private readonly TurnTimer _timer = TurnTimer.ForCurrentThread();

    public void Aim(IVcpu? vcpu) => _timer.Aim(vcpu?.TurnCell ?? 0);

    public void Arm(long deadlineNs) => _timer.Arm(deadlineNs);

    public void Dispose() => _timer.Dispose();
}
