using Bulkhead.Cli.Machines;
using Bulkhead.Host;

namespace Bulkhead.Cli.Tests;

/// <summary>Remembers what it was asked for.</summary>
internal sealed class RecordingHost : IMachineHost
{
    internal RunRequest? Asked { get; private set; }

    internal UpRequest? AskedUp { get; private set; }

    internal OperatorException? Fault { get; init; }

    public int Run(RunRequest request)
    {
        Asked = request;
        return Fault is null ? 7 : throw Fault;
    }

    internal string? AskedToValidate { get; private set; }

    public int Validate(string systemPath)
    {
        AskedToValidate = systemPath;
        return 9;
    }

    internal SimulateRequest? AskedToSimulate { get; private set; }

    public int Simulate(SimulateRequest request)
    {
        AskedToSimulate = request;
        return 6;
    }

    public int Up(UpRequest request)
    {
        AskedUp = request;
        return 8;
    }
}
