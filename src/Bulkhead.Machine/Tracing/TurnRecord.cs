using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tracing;

/// <summary>One turn of a vCPU on its pCPU.</summary>
/// <param name="Domain">The domain's name.</param>
/// <param name="Vcpu">The vCPU's number.</param>
/// <param name="WokenNs">What woke it, where it slept before; else 0.</param>
/// <param name="StartNs">When the turn began.</param>
/// <param name="RanNs">How long it took.</param>
/// <param name="StolenNs">What the host took of that.</param>
/// <param name="End">Why it ended.</param>
/// <param name="CameFrom">The host CPU it has left since its last turn; -1 where it stayed.</param>
/// <param name="Class">The name of the class it was in; null where the domain has none.</param>
public readonly record struct TurnRecord(
    string Domain, int Vcpu, long WokenNs, long StartNs, long RanNs, long StolenNs, StopReason End, int CameFrom = -1, string? Class = null);
