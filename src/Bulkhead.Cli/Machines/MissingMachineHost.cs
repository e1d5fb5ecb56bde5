using Bulkhead.Host;

namespace Bulkhead.Cli.Machines;

/// <summary>Stands where a build has no machine yet.</summary>
internal sealed class MissingMachineHost : IMachineHost
{
    /// <inheritdoc/>
    public int Run(RunRequest request) => throw Missing();

    /// <inheritdoc/>
    public int Up(UpRequest request) => throw Missing();

    private static OperatorException Missing() => new("This build has no machine to run a guest on; build one that has Bulkhead.Machine.");
}
