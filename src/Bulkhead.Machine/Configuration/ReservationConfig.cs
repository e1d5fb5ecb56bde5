using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Configuration;

/// <summary>What each vCPU of a domain has reserved, or, with fixed priorities, promises to keep to.</summary>
/// <param name="Cpu">So much in every period.</param>
/// <param name="Place">Where the file says so: file, line, column.</param>
public sealed record ReservationConfig(CpuReservation Cpu, string Place);
