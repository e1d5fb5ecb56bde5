namespace Bulkhead.Machine.Tracing;

/// <summary>What one vCPU ran while another waited for its turn.</summary>
/// <param name="Domain">Its domain.</param>
/// <param name="Vcpu">Its number.</param>
/// <param name="TurnEndNs">How long the turn it was in went on after the other's wake-up.</param>
/// <param name="RanNs">How long the turns lasted to which it was dispatched before the other.</param>
/// <param name="Turns">How many those were.</param>
/// <param name="StolenNs">What the host took of both.</param>
/// <param name="Class">The class it was in; null where its domain has none.</param>
/// <param name="ClosedNs">What it ran while the other could not have run in any case; in none of the times above.</param>
public readonly record struct WaitPart(string Domain, int Vcpu, long TurnEndNs, long RanNs, int Turns, long StolenNs, string? Class = null, long ClosedNs = 0);
