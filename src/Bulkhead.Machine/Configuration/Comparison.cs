namespace Bulkhead.Machine.Configuration;

/// <summary>How what was measured stands to a limit.</summary>
public enum Comparison
{
    /// <summary>It is less: <c>&lt;</c>.</summary>
    Below,

    /// <summary>It is no more: <c>&lt;=</c>.</summary>
    AtMost,

    /// <summary>It is more: <c>&gt;</c>.</summary>
    Above,

    /// <summary>It is no less: <c>&gt;=</c>.</summary>
    AtLeast,
}
