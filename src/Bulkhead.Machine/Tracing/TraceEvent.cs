namespace Bulkhead.Machine.Tracing;

/// <summary>One event: when, how long (turns only), what.</summary>
internal readonly record struct TraceEvent(long TimeNs, long DurationNs, TraceKind Kind, byte Code);
