using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Bulkhead.Cli.Machines;
using Bulkhead.Images;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead up</c>: a system of domains, from one file.</summary>
internal sealed class UpCommand
{
    internal const string Notes = """
        Example:
          bulkhead up system.yaml --duration 30s

        On a terminal, what guests print scrolls by above a table of the domains ('bulkhead ps --help' explains it). Elsewhere,
        or with --no-tty, each line a guest prints starts with its domain's name, and a line per domain and second says:

          time      seconds since the start
          state     waiting, booting, running, paused, stopping, restarting or exited
          cpu%      of one CPU, since the last line
          weight%   its share by weight in its pool
          exits     VM exits since the last line
          wakeP99   99% of its wake-ups were dispatched within this time, since the last line

        The first domain of the file is the control domain. When it ends for good by itself, or no domain runs or is to start any
        more, or --duration is over, every domain gets the power button, the grace, and a stop by force, those that depend on others
        first; then shares of the CPU are printed against the weights. A control domain that the operator stops or kills does not
        end the system. From another terminal: ps, top, console, logs, stop, start, restart, kill, pause, resume, set, apply, down.

        Exit codes:
          the control domain's (see 'bulkhead run --help', which lists them all; 0 instead of 137 with --grace 0), 2 usage, 129 SIGHUP, 130 SIGINT, 143 SIGTERM

        """;

    /// <summary>What <see cref="IsName"/> accepts.</summary>
    internal const string NameForm = "letters, digits, '.', '_' and '-', no '.' first, at most 32";

    private const int LongestName = 32;
    private const int NumberLength = 8;

    private readonly IMachineHost _host;
    private readonly Argument<string> _file = Options.SystemFile();
    private readonly Option<long> _duration = Options.Duration("--duration", "How long to run, from the first line that shows the control domain running (until it ends).");
    private readonly Option<long> _grace = Options.Duration("--grace", "How long domains get to end by themselves (5s); 0: no time.", zero: true);
    private readonly Option<string?> _name = SystemName();
    private readonly Option<bool> _noTty = Options.Switch("--no-tty", "Print lines, also on a terminal.");
    private readonly Option<bool> _json = Options.Switch("--json", "Print a JSON record per line (docs/control.md).");
    private readonly Option<bool> _stats = Options.Switch("--stats", "Print counters of the engine at the end.");

    internal UpCommand(IMachineHost host) => _host = host;

    internal Command Create()
    {
        var command = new Command("up", "Run the domains of a system file side by side.")
        {
            _file, _duration, _grace, _name, _noTty, _json, _stats,
        };
        command.SetAction(line =>
        {
            string file = line.GetRequiredValue(_file);
            return _host.Up(new UpRequest
            {
                SystemPath = file,
                Name = line.GetValue(_name) ?? NameOf(file),
                DurationNs = line.GetResult(_duration) is null ? null : line.GetValue(_duration),
                GraceNs = line.GetResult(_grace) is null ? UpRequest.DefaultGraceNs : line.GetValue(_grace),
                View = line.GetValue(_json) ? ViewChoice.Json : line.GetValue(_noTty) ? ViewChoice.Plain : ViewChoice.Auto,
                Stats = line.GetValue(_stats),
                Images = new ImageStore(),
            });
        });
        return command;
    }

    /// <summary>Makes the option that names a system.</summary>
    internal static Option<string?> SystemName() => Options.Create(
        "--name", "NAME", "The system's name, under which the other commands find it (the file's name).",
        NameForm, static (string text, out string? name) => IsName(name = text));

    /// <summary>The name of a system, or of a package's machine, that was given none: its file's, as far as it can be one.</summary>
    /// <remarks>What tells names apart may be what cannot be in one, or its end: then a number made of all of it does.</remarks>
    internal static string NameOf(string path)
    {
        string whole = Path.GetFileNameWithoutExtension(path).TrimStart('.');
        string name = string.Concat(whole.Select(static c => IsNameCharacter(c) ? c : '-'));
        if (whole.Length > LongestName || !Ascii.IsValid(whole))
        {
            string number = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)))[..NumberLength];
            name = $"{name[..Math.Min(name.Length, LongestName - NumberLength - 1)]}-{number}";
        }

        return name.Length > 0 ? name : "system";
    }

    /// <summary>Whether a text can be a name, and the last part of a path.</summary>
    internal static bool IsName(string text) => text.Length is > 0 and <= LongestName && text[0] != '.' && text.All(IsNameCharacter);

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
}
