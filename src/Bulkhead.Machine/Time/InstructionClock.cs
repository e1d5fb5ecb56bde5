using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Time;

/// <summary>Time made of instructions: one takes a nanosecond, and idle time is skipped. The same guest does the same again.</summary>
/// <remarks><i>Threading</i>: the one worker's thread; others may read the time.</remarks>
internal sealed class InstructionClock : IClock
{
    private long _baseNs;
    private ICountingVcpu? _running;
    private ulong _from;
    private ulong _nextObservation = ulong.MaxValue;

    /// <inheritdoc/>
    public long NowNs => _running is { } vcpu ? _baseNs + (long)(vcpu.Instructions - _from) : Volatile.Read(ref _baseNs);

    /// <inheritdoc/>
    public ulong GuestTsc => (ulong)NowNs;

    /// <inheritdoc/>
    public ulong TscHz => 1_000_000_000;

    /// <summary>Looks at a vCPU between two instructions: at the first count, and each time after so many more; for comparisons.</summary>
    internal (ulong First, ulong Every, Action<ICountingVcpu> Look) Observer
    {
        get;
        set
        {
            field = value;
            _nextObservation = value.First;
        }
    }

    /// <inheritdoc/>
    public long WhenTsc(ulong guestTsc) => guestTsc > long.MaxValue ? long.MaxValue : (long)guestTsc;

    /// <summary>A vCPU's turn begins.</summary>
    internal void Begin(ICountingVcpu vcpu)
    {
        _from = vcpu.Instructions;
        _running = vcpu;
        vcpu.InstructionLimit = _nextObservation;
    }

    /// <summary>Has the turn end at a time, or now where that is past.</summary>
    internal void EndTurnAt(long deadlineNs)
    {
        if (_running is { } vcpu)
        {
            vcpu.InstructionLimit = Math.Min(vcpu.Instructions + (ulong)Math.Max(deadlineNs - NowNs, 0), _nextObservation);
        }
    }

    /// <summary>The turn is over.</summary>
    internal void End()
    {
        if (_running is not { } vcpu)
        {
            return;
        }

        Volatile.Write(ref _baseNs, NowNs);
        _running = null;
        if (vcpu.Instructions >= _nextObservation)
        {
            _nextObservation += Observer.Every;
            Observer.Look(vcpu);
        }
    }

    /// <summary>Nobody can run before a time: it is that time now.</summary>
    internal void SkipTo(long ns)
    {
        if (ns > _baseNs)
        {
            Volatile.Write(ref _baseNs, ns);
        }
    }
}
