namespace Bulkhead.Machine.Configuration;

/// <summary>The longest time from wake-up to dispatch that a domain can live with.</summary>
/// <param name="Ns">In nanoseconds.</param>
/// <param name="Place">Where the file says so: file, line, column.</param>
public sealed record LatencyNeed(long Ns, string Place);
