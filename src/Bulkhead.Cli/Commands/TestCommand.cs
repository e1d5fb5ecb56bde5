using System.CommandLine;
using Bulkhead.Cli.Machines;
using Bulkhead.Images;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead test</c>: a system file as a test.</summary>
internal sealed class TestCommand
{
    internal const string Notes = """
        Example:
          bulkhead test system.yaml --junit result.xml

        In the system file, below a domain:
          expect:
            - console "ready" within 5s      it prints this, so soon after its start
            - no console "BUG:"              it never prints this
            - latency p99.9 < 500us          from wake-up to dispatch; also p50, p99, max
            - share >= 40%                   of what its pool ran
            - restarts <= 0                  of all these: <, <=, > or >=
            - exit 0 within 1m               it ends with this code

        The test is over when all that can happen has happened or can no longer; where something is measured or must not
        happen, --duration after the control domain was ready.

        Exit codes:
          0 all came true, 1 some did not, 2 usage, 129 SIGHUP, 130 SIGINT, 143 SIGTERM

        """;

    private const long DefaultTimeoutNs = 120_000_000_000;

    private readonly IMachineHost _host;
    private readonly Argument<string> _file = Options.SystemFile();
    private readonly Option<long> _duration = Options.Duration("--duration", "How long to measure, once the control domain is ready (10s).");
    private readonly Option<long> _timeout = Options.Duration("--timeout", "When to stop waiting for what has not happened (2m).");
    private readonly Option<string?> _junit = new("--junit") { HelpName = "FILE", Description = "Write the result as JUnit XML." };
    private readonly Option<bool> _verbose = Options.Switch("--verbose", "Print what guests print, and a line per domain and second.");
    private readonly Option<string?> _name = UpCommand.SystemName();

    internal TestCommand(IMachineHost host) => _host = host;

    internal Command Create()
    {
        var command = new Command("test", "Run a system and check what its file expects of it.") { _file, _duration, _timeout, _junit, _verbose, _name };
        command.SetAction(line =>
        {
            string file = line.GetRequiredValue(_file);
            return _host.Up(new UpRequest
            {
                SystemPath = file,
                Name = line.GetValue(_name) ?? UpCommand.NameOf(file),
                DurationNs = line.GetResult(_duration) is null ? null : line.GetValue(_duration),
                TimeoutNs = line.GetResult(_timeout) is null ? DefaultTimeoutNs : line.GetValue(_timeout),
                GraceNs = 1_000_000_000,
                View = line.GetValue(_verbose) ? ViewChoice.Plain : ViewChoice.Quiet,
                JUnitPath = line.GetValue(_junit) is { } path ? Path.GetFullPath(path) : null,
                Images = new ImageStore(),
            });
        });
        return command;
    }
}
