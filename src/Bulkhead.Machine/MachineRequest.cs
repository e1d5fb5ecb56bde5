using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Machine;

/// <summary>What is to run together.</summary>
public sealed record MachineRequest
{
    /// <summary>The domains, the control domain first.</summary>
    public required IReadOnlyList<DomainRequest> Domains { get; init; }

    /// <summary>The pools; a host CPU is in one of them at most.</summary>
    public IReadOnlyList<PoolRequest> Pools { get; init; } = [new PoolRequest()];

    /// <summary>Time is made of instructions, so that the machine does the same every time. The engine must count them
    /// (<see cref="TranslatorEngines.Counting"/>); one host CPU in all, however many vCPUs share it.</summary>
    public bool InstructionClock { get; init; }

    /// <summary>With <see cref="InstructionClock"/>: what chance is drawn from; null: nothing is left to chance.</summary>
    public ulong? Seed { get; init; }

    /// <summary>With <see cref="InstructionClock"/>: the virtual time at which every domain is stopped, to the nanosecond.</summary>
    public long EndAtNs { get; init; } = long.MaxValue;

    /// <summary>With <see cref="InstructionClock"/>: after how many instructions of all vCPUs every domain is stopped, exactly.</summary>
    public ulong EndAfterInstructions { get; init; } = ulong.MaxValue;

    /// <summary>What the schedule guarantees each vCPU; waits are kept with it.</summary>
    public IReadOnlyList<VcpuSchedule> Schedules { get; init; } = [];

    /// <summary>The channels that domains share.</summary>
    public IReadOnlyList<ChannelRequest> Channels { get; init; } = [];

    /// <summary>The networks between domains.</summary>
    public IReadOnlyList<NetworkRequest> Networks { get; init; } = [];

    /// <summary>Where the events of every vCPU are written, or null; the caller finishes and disposes it.</summary>
    public TraceFile? Trace { get; init; }
}
