namespace Bulkhead.Cli.Machines;

/// <summary>How the operator is shown what a system does.</summary>
internal enum ViewChoice
{
    /// <summary>A table on a terminal, else lines.</summary>
    Auto,

    /// <summary>Lines.</summary>
    Plain,

    /// <summary>What happens to domains, and nothing else.</summary>
    Quiet,

    /// <summary>A JSON record per line.</summary>
    Json,
}
