namespace Bulkhead.Cli.Machines;

/// <summary>What stands behind the first serial port.</summary>
internal enum SerialKind
{
    /// <summary>The operator's terminal, or whatever standard input and output are.</summary>
    Stdio,

    /// <summary>A file, output only.</summary>
    File,

    /// <summary>A Unix socket that listens, one client at a time.</summary>
    Unix,

    /// <summary>Nothing.</summary>
    None,
}
