using Bulkhead.Machine.Tracing;

namespace Bulkhead.Machine;

/// <summary>What is to run together.</summary>
public sealed record MachineRequest
{
    /// <summary>The domains, the control domain first.</summary>
    public required IReadOnlyList<DomainRequest> Domains { get; init; }

    /// <summary>The pools; a host CPU is in one of them at most.</summary>
    public IReadOnlyList<PoolRequest> Pools { get; init; } = [new PoolRequest()];

    /// <summary>How long an idle worker spins before it sleeps.</summary>
    public long SpinNs { get; init; } = 30_000;

    /// <summary>Time is made of instructions, so that the machine does the same every time. The engine must count them
    /// (<see cref="TranslatorEngines.Counting"/>); one vCPU in all.</summary>
    public bool InstructionClock { get; init; }

    /// <summary>Where the events of every vCPU are written, or null; the caller finishes and disposes it.</summary>
    public TraceFile? Trace { get; init; }
}
