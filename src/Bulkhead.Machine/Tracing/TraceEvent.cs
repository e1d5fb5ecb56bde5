namespace Bulkhead.Machine.Tracing;

/// <summary>One event: when, what.</summary>
internal readonly record struct TraceEvent(long TimeNs, TraceKind Kind, byte Code);
