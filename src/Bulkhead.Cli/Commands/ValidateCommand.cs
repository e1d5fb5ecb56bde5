using System.CommandLine;
using Bulkhead.Cli.Machines;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead validate</c>: a system file checked, and what its schedule guarantees.</summary>
internal sealed class ValidateCommand
{
    internal const string Notes = """
        Example:
          bulkhead validate system.yaml

        Nothing is started, but the files and folders that the file names must be there. For each vCPU it prints its share
        and the longest time from wake-up to dispatch, and under it what each other vCPU of its CPU may add to that
        (docs/scheduling.md has the proofs). A domain that names a latency it needs gets a verdict; 'up' refuses a system that
        cannot keep it.

        Exit codes:
          0 valid, 2 not valid or refused

        """;

    private readonly IMachineHost _host;
    private readonly Argument<string> _file = Options.SystemFile();

    internal ValidateCommand(IMachineHost host) => _host = host;

    internal Command Create()
    {
        var command = new Command("validate", "Check a system file and show what its schedule guarantees.") { _file };
        command.SetAction(line => _host.Validate(line.GetRequiredValue(_file)));
        return command;
    }
}
