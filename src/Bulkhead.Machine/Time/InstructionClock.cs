using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Time;

/// <summary>Time made of instructions: a CPU executes one in a nanosecond, and idle time is skipped. The same guests do the same
/// again.</summary>
/// <remarks>All domains of a system share it: what one of them executes passes for the others. Several CPUs take turns, and while one
/// executes, the time passes in which each of them could: of two CPUs, half a nanosecond an instruction. <i>Threading</i>: the one
/// thread that runs the CPUs; others may read the time.</remarks>
/// <param name="cpus">How many CPUs there are.</param>
internal sealed class InstructionClock(int cpus) : IClock
{
    private long _base; // in instructions: nanoseconds times CPUs
    private ulong _executed;
    private ICountingVcpu? _running;
    private ulong _from;
    private ulong _nextObservation = ulong.MaxValue;

    /// <inheritdoc/>
    public long NowNs => Now / cpus;

    /// <inheritdoc/>
    public ulong GuestTsc => (ulong)NowNs;

    /// <inheritdoc/>
    public ulong TscHz => 1_000_000_000;

    /// <summary>When all is over; <see cref="long.MaxValue"/>: never.</summary>
    internal long EndNs { get; init; } = long.MaxValue;

    /// <summary>After how many instructions all is over; <see cref="ulong.MaxValue"/>: never.</summary>
    internal ulong EndInstructions { get; init; } = ulong.MaxValue;

    /// <summary>Instructions of all vCPUs so far; while nobody runs.</summary>
    internal ulong Executed => _executed;

    /// <summary>How long until all is over by the time, 0 or less where it is, by the time or the count; while nobody runs.</summary>
    internal long LeftNs => LeftInstructions == 0 ? 0 : EndNs - NowNs;

    /// <summary>Looks at the vCPU that runs between two instructions: at the first count of everybody's, and each time after so many
    /// more; for comparisons.</summary>
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
        vcpu.InstructionLimit = LimitOf(vcpu);
    }

    /// <summary>Has the turn end at a time, or now where that is past.</summary>
    internal void EndTurnAt(long deadlineNs)
    {
        if (_running is { } vcpu)
        {
            vcpu.InstructionLimit = Math.Min(vcpu.Instructions + (ulong)Math.Max(InstructionsOf(deadlineNs) - Now, 0), LimitOf(vcpu));
        }
    }

    /// <summary>The turn is over.</summary>
    internal void End()
    {
        if (_running is not { } vcpu)
        {
            return;
        }

        Volatile.Write(ref _base, Now);
        _executed += vcpu.Instructions - _from;
        _running = null;
        if (_executed >= _nextObservation)
        {
            _nextObservation += Observer.Every;
            Observer.Look(vcpu);
        }
    }

    /// <summary>Nobody can run before a time: it is that time now, or the end.</summary>
    internal void SkipTo(long ns)
    {
        long to = Math.Min(ns, EndNs);
        if (to > NowNs)
        {
            Volatile.Write(ref _base, InstructionsOf(to));
        }
    }

    private long Now => _running is { } vcpu ? _base + (long)(vcpu.Instructions - _from) : Volatile.Read(ref _base);

    // What all CPUs could have executed by then.
    private long InstructionsOf(long ns) => ns > long.MaxValue / cpus ? long.MaxValue : ns * cpus;

    private ulong LeftInstructions => EndInstructions - Math.Min(_executed, EndInstructions);

    // At which count of the vCPU that runs the next observation is due, or the end.
    private ulong LimitOf(ICountingVcpu vcpu)
    {
        ulong left = Math.Min(_nextObservation - _executed, LeftInstructions);
        return left > ulong.MaxValue - _from ? ulong.MaxValue : _from + left;
    }
}
