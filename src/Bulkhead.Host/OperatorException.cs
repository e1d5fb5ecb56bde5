namespace Bulkhead.Host;

/// <summary>Something the operator or the host did: what was wrong, where, and how to mend it.</summary>
/// <remarks>
/// Thrown only in build and management code, never on a guest's account. <see cref="ExitCode"/> is the process's
/// exit code: 1 the host's or our error, 2 usage.
/// </remarks>
public sealed class OperatorException : Exception
{
    /// <summary>Creates an error of the host (exit code 1) with a message that names the fix.</summary>
    public OperatorException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an error with a cause.</summary>
    public OperatorException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an error with its process exit code.</summary>
    public OperatorException(string message, int exitCode)
        : base(message) => ExitCode = exitCode;

    /// <summary>Creates an error without a message; present for the exception pattern only.</summary>
    public OperatorException()
    {
    }

    /// <summary>The exit code the process ends with.</summary>
    public int ExitCode { get; } = 1;
}
