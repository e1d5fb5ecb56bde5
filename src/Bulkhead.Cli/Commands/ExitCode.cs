namespace Bulkhead.Cli.Commands;

/// <summary>The exit codes the command line itself gives.</summary>
internal static class ExitCode
{
    internal const int Ok = 0;
    internal const int Error = 1;
    internal const int Usage = 2;
    internal const int Timeout = 124;
}
