using Bulkhead.Core.Interrupts;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Engine;

/// <summary>A virtual processor: the one contract of every engine.</summary>
/// <remarks>
/// <i>Threading</i>: <see cref="Run"/> on one thread at a time, not always the same;
/// <see cref="IVcpuSignals"/> from any thread. <see cref="Registers"/> only while it does not run.
/// </remarks>
public interface IVcpu : IVcpuSignals, IDisposable
{
    /// <summary>The architectural state.</summary>
    ref Registers Registers { get; }

    /// <summary>Exits so far.</summary>
    ExitCounters Exits { get; }

    /// <summary>What it was found to do; null where nobody looks.</summary>
    VcpuProfile? Profile => null;

    /// <summary>When the last <see cref="Run"/> came to the guest's first instruction, by CLOCK_MONOTONIC; 0 where it did not, or nobody looks.</summary>
    long EnteredNs => 0;

    /// <summary>When it knew, after the guest's last instruction, that it was over.</summary>
    long LeftNs => 0;

    /// <summary>When the end of the last <see cref="Run"/> was asked for, by CLOCK_MONOTONIC; 0 where it ended by itself, or nobody looks.</summary>
    long EndAskedNs => 0;

    /// <summary>Words for the last <see cref="StopReason.Unsupported"/> or <see cref="StopReason.EngineError"/>.</summary>
    string? StopDetail { get; }

    /// <summary>Runs the guest until it stops, is kicked, or <paramref name="untilNs"/> of the domain's clock is reached.</summary>
    /// <remarks>I/O exits are served inside through <paramref name="io"/>. The caller arms whatever makes
    /// <see cref="EndTurn"/> happen at the deadline.</remarks>
    StopReason Run(ICpuIo io, long untilNs);

    /// <summary>Ends the current turn from any thread, without an interrupt to look at; or, while none runs, the next one.</summary>
    /// <remarks>Asked for again before the turn is over, it is that turn's end still.</remarks>
    void EndTurn();

    /// <summary>Address of words a signal handler of the engine's writes to end the turn; 0 where the engine has none.</summary>
    nint TurnCell { get; }

    /// <summary>Puts the state of power-up (or INIT) into <see cref="Registers"/> and drops every cached translation.</summary>
    void Reset();
}
