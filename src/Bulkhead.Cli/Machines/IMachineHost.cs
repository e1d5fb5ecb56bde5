using Bulkhead.Host;

namespace Bulkhead.Cli.Machines;

/// <summary>What the command line hands its work to.</summary>
/// <remarks><i>Errors</i>: <see cref="OperatorException"/>, which the command line prints and turns into its exit code.</remarks>
internal interface IMachineHost
{
    /// <summary>Runs one guest to its end and returns the process's exit code.</summary>
    int Run(RunRequest request);

    /// <summary>Runs a system of domains to its end and returns the process's exit code.</summary>
    int Up(UpRequest request);

    /// <summary>Checks a system file, prints what its schedule guarantees and returns the process's exit code.</summary>
    int Validate(string systemPath);

    /// <summary>Simulates the schedule of a system file, prints what came out and returns the process's exit code.</summary>
    int Simulate(SimulateRequest request);
}
