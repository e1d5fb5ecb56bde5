namespace Bulkhead.Machine.Configuration;

/// <summary>After which ends a domain is started again.</summary>
public enum RestartWhen
{
    /// <summary>None.</summary>
    Never,

    /// <summary>Those with an exit code other than 0.</summary>
    OnFailure,

    /// <summary>All but those the operator asked for.</summary>
    Always,
}
