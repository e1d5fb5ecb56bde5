namespace Bulkhead.Tools.Bench;

/// <summary>What ends a run, said to the user.</summary>
internal sealed class BenchException(string message, int exitCode = 1) : Exception(message)
{
    /// <summary>The program's exit code: 1, or 2 where it was called wrongly.</summary>
    internal int ExitCode => exitCode;
}
