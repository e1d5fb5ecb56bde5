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

        Each line a guest prints starts with its domain's name. A line per domain and second says:

          time      seconds since the start
          state     booting (has printed nothing yet), running or ended
          cpu%      of one CPU, since the last line
          weight%   its share by weight in its pool
          exits     VM exits since the last line
          wakeP99   99% of its wake-ups were dispatched within this time, since the last line

        The first domain of the file is the control domain. When it ends or --duration is over, every domain gets the
        power button, five seconds, and a stop; then shares of the CPU are printed against the weights.

        Exit codes:
          the control domain's (see 'bulkhead run --help'), 2 usage, 130 SIGINT, 143 SIGTERM

        """;

    private readonly IMachineHost _host;
    private readonly Argument<string> _file = Options.SystemFile();
    private readonly Option<long> _duration = Options.Duration("--duration", "How long to run, from the first line that shows the control domain running (until it ends).");
    private readonly Option<bool> _stats = Options.Switch("--stats", "Print counters of the engine at the end.");

    internal UpCommand(IMachineHost host) => _host = host;

    internal Command Create()
    {
        var command = new Command("up", "Run the domains of a system file side by side.")
        {
            _file, _duration, _stats,
        };
        command.SetAction(line => _host.Up(new UpRequest(
            line.GetRequiredValue(_file),
            line.GetResult(_duration) is null ? null : line.GetValue(_duration),
            line.GetValue(_stats),
            new ImageStore())));
        return command;
    }
}
