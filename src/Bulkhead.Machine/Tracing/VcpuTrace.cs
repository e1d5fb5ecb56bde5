using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Time;
using Bulkhead.Scheduling.Classes;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tracing;

/// <summary>The exits, interrupts and classes of one vCPU on their way to the file: a ring that never waits, and counts what did not fit.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread adds, the writer's takes. <i>Cost</i>: a clock read and a store.</remarks>
internal sealed class VcpuTrace(IClock clock, ClassNames classNames, int sizePowerOf2 = VcpuTrace.DefaultSize) : IExitObserver, IInterruptObserver
{
    private const int DefaultSize = 1 << 16;

    private readonly TraceEvent[] _events = new TraceEvent[sizePowerOf2];
    private long _added;
    private long _taken;
    private long _dropped;

    /// <summary>Events that found no room.</summary>
    internal long Dropped => Volatile.Read(ref _dropped);

    /// <summary>The names of its classes.</summary>
    internal ClassNames ClassNames => classNames;

    /// <inheritdoc/>
    public void OnExit(ExitReason reason) => Add(new TraceEvent(clock.NowNs, TraceKind.Exit, (byte)reason));

    /// <inheritdoc/>
    public void OnInterrupt(byte vector) => Add(new TraceEvent(clock.NowNs, TraceKind.Interrupt, vector));

    /// <summary>The vCPU is in another class from now on.</summary>
    internal void OnClass(int place) => Add(new TraceEvent(clock.NowNs, TraceKind.Class, (byte)place));

    /// <summary>Takes the oldest event.</summary>
    internal bool TryTake(out TraceEvent e)
    {
        long taken = _taken;
        bool any = taken != Volatile.Read(ref _added);
        e = any ? _events[taken & (sizePowerOf2 - 1)] : default;
        if (any)
        {
            Volatile.Write(ref _taken, taken + 1);
        }

        return any;
    }

    private void Add(in TraceEvent e)
    {
        long added = _added;
        if (added - Volatile.Read(ref _taken) == sizePowerOf2)
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return;
        }

        _events[added & (sizePowerOf2 - 1)] = e;
        Volatile.Write(ref _added, added + 1);
    }
}
