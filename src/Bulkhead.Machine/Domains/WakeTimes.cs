using Bulkhead.Core.Time;

namespace Bulkhead.Machine.Domains;

/// <summary>What lies between a vCPU's wake-up and its guest's first instruction, where nobody is to run before it: one of the first two, and the third.</summary>
/// <remarks><i>Threading</i>: the worker adds, any thread reads. <i>Units</i>: nanoseconds.</remarks>
public sealed class WakeTimes
{
    /// <summary>From the wake-up, or when the timer was due, until the worker looks, where it slept: what the host takes to wake a thread.</summary>
    public LatencyHistogram Host { get; } = new();

    /// <summary>The same where another vCPU ran: until its turn is over.</summary>
    public LatencyHistogram TurnEnd { get; } = new();

    /// <summary>From the look to the guest's first instruction: what the scheduler and the engine take.</summary>
    public LatencyHistogram Entry { get; } = new();

    /// <summary>From the last instruction of another vCPU to its first, with no sleep between, woken or not.</summary>
    public LatencyHistogram Switch { get; } = new();
}
