namespace Bulkhead.Machine.Configuration;

/// <summary>What an expectation looks at.</summary>
public enum ExpectationKind
{
    /// <summary>The guest prints words.</summary>
    Console,

    /// <summary>It does not print them.</summary>
    NoConsole,

    /// <summary>A percentile of its times from wake-up to dispatch, against a limit.</summary>
    Latency,

    /// <summary>How much it gets of what its pool ran, against a limit.</summary>
    Share,

    /// <summary>It was restarted at most so often.</summary>
    Restarts,

    /// <summary>It was restarted at least so often.</summary>
    RestartsAtLeast,

    /// <summary>It ends with an exit code.</summary>
    Exit,
}
