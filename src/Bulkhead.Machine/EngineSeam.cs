using Bulkhead.Core.Memory;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine;

/// <summary>An engine, as the machine needs it.</summary>
/// <param name="CreateVcpu">Makes a vCPU; called for index 0, 1, ... of a domain in order.</param>
/// <param name="HostTsc">Reads the host's TSC.</param>
/// <param name="TurnSignalHandler">Native code for the turn timer's signal, or 0: a deadline thread calls <see cref="IVcpu.EndTurn"/>.</param>
/// <param name="SampleSignalHandler">Native code for a sampling timer's signal, or 0 where vCPUs keep no <see cref="IVcpu.Profile"/>.</param>
/// <param name="ChanceOf">A number for what is placed at random in a domain, the same for all that should have it at the same place; null: anything.</param>
/// <param name="Release">Tells that a domain's RAM and vCPUs are about to go; null where the engine keeps nothing for them.</param>
public sealed record EngineSeam(Func<VcpuRequest, IVcpu> CreateVcpu, Func<ulong> HostTsc, nint TurnSignalHandler = 0, nint SampleSignalHandler = 0, Action<GuestMemory>? Release = null,
    Func<GuestMemory, ulong?>? ChanceOf = null);
