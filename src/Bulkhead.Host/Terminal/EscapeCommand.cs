namespace Bulkhead.Host.Terminal;

/// <summary>What the operator asked of Bulkhead itself, in the midst of what is typed to the guest.</summary>
public enum EscapeCommand
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>End the guest (Ctrl-A x).</summary>
    End,

    /// <summary>Show the keys (Ctrl-A h).</summary>
    Help,
}
