using System.CommandLine;
using Bulkhead.Cli.Machines;
using Bulkhead.Images;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead up</c>: a system of domains, from one file.</summary>
internal sealed class UpCommand
{
    internal const string Notes = """
        Example:
          bulkhead up system.yaml --duration 30s

        Each line a guest prints starts with its domain's name.

        """;

    private readonly IMachineHost _host;
    private readonly Argument<string> _file = new("FILE")
    {
        Description = "The system file.",
        CustomParser = result =>
        {
            string path = result.Tokens[0].Value;
            if (!File.Exists(path))
            {
                result.AddError($"{path}: there is no such file; give the path of a system file.");
                return null;
            }

            return Path.GetFullPath(path);
        },
    };

    private readonly Option<long> _duration = Options.Duration("--duration", "How long to run, from the control domain's first sample (until it ends).");

    internal UpCommand(IMachineHost host) => _host = host;

    internal Command Create()
    {
        var command = new Command("up", "Run the domains of a system file side by side.")
        {
            _file, _duration,
        };
        command.SetAction(line => _host.Up(new UpRequest(
            line.GetRequiredValue(_file),
            line.GetResult(_duration) is null ? null : line.GetValue(_duration),
            new ImageStore())));
        return command;
    }
}
