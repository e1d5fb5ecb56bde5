using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Bulkhead.Cli.Machines;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Simulation;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead simulate</c>: the schedule of a system file, in virtual time and with synthetic loads.</summary>
internal sealed class SimulateCommand
{
    internal const string Notes = """
        Examples:
          bulkhead simulate system.yaml
          bulkhead simulate system.yaml --load control=periodic:10ms/1ms --load infotainment=busy -o schedule.svg
          bulkhead simulate system.yaml --load gateway=random:5ms/2ms --seed 7 --duration 10s --overrun 100us

        No guest is started. The policies that share the CPUs in a run are asked here in virtual time, and each vCPU of a domain
        spends its time as its load says:

          busy                   computes without end
          idle                   never wakes
          periodic:PERIOD/RUN    gets work that takes RUN on the CPU, at 0, PERIOD, 2 PERIOD ...; sleeps when it is done
          random:PERIOD/RUN      the same, both times exponentially distributed with these means

        '@TIME' behind the last two puts the start off. Work that comes before the last is done follows it without a sleep.
        ',hint=N' behind all but idle: after each wake-up the guest writes N to its hint port; ',hint=N:TIME': and takes it back
        when it has run for TIME (domains with classes: docs/scheduling.md).
        A domain without --load runs its budget in every period where it has a reservation, is periodic:10ms/1ms where it has a
        warp or classes, or needs a latency, else busy.

        For each vCPU it prints what it got of its CPU, its wake-ups, the times from wake-up to dispatch, and beside them
        the longest ones that 'validate' computes, here for turns that end --overrun late. With -o it draws turns, wake-ups
        and waits as SVG, a lane per vCPU (docs/simulate.md).

        Exit codes:
          0 done, 1 a computed time was exceeded, which is an error in Bulkhead, 2 usage or system file not valid

        """;

    private readonly IMachineHost _host;
    private readonly Argument<string> _file = Options.SystemFile();
    private readonly Option<NamedLoad[]> _load = new("--load")
    {
        HelpName = "NAME=LOAD",
        Description = "What a domain does; once for each domain.",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        CustomParser = ReadLoads,
    };

    private readonly Option<long> _duration = Options.Create(
        "--duration", "TIME", "How long, in virtual time (1s).", Quantity.DurationForm,
        (string text, out long ns) => Quantity.TryParseDuration(text, out ns) && ns > 0, static (text, ns) => AtMost("--duration", text, ns, SimulationRequest.MaxDurationNs));

    private readonly Option<long> _overrun = Options.Create<long>(
        "--overrun", "TIME", "How long a turn goes on after its end was asked for (0).", Quantity.DurationForm,
        Quantity.TryParseDuration, static (text, ns) => AtMost("--overrun", text, ns, SimulationRequest.MaxOverrunNs));

    private readonly Option<ulong> _seed = Options.Create(
        "--seed", "N", "What random loads are made from; the same seed, the same run (1).", "a whole number from 0 to 18446744073709551615",
        static (string text, out ulong n) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out n));

    private readonly Option<string?> _output = new("--output", "-o") { HelpName = "FILE", Description = "Draw the schedule into this file, as SVG." };
    private readonly Option<bool> _json = Options.Switch("--json", "Print JSON in place of the tables.");

    internal SimulateCommand(IMachineHost host) => _host = host;

    internal Command Create()
    {
        var command = new Command("simulate", "Play the schedule of a system file through in virtual time, without a guest.")
        {
            _file, _load, _duration, _overrun, _seed, _output, _json,
        };
        command.SetAction(line => _host.Simulate(new SimulateRequest(
            line.GetRequiredValue(_file),
            line.GetValue(_load) ?? [],
            line.GetResult(_duration) is null ? 1_000_000_000 : line.GetValue(_duration),
            line.GetValue(_overrun),
            line.GetResult(_seed) is null ? 1 : line.GetValue(_seed),
            line.GetValue(_output) is string path ? Path.GetFullPath(path) : null,
            line.GetValue(_json))));
        return command;
    }

    private static NamedLoad[] ReadLoads(ArgumentResult result)
    {
        var loads = new List<NamedLoad>();
        foreach (string text in result.Tokens.Select(static t => t.Value))
        {
            if (!NamedLoad.TryParse(text, out NamedLoad? load) || load is null)
            {
                string word = text[(text.IndexOf('=', StringComparison.Ordinal) + 1)..].Split(':')[0];
                string hint = !SimulatedLoad.Words.Contains(word) && NearestName.Find(word, SimulatedLoad.Words) is { } near ? $" Did you mean {near}?" : string.Empty;
                result.AddError(Options.Wrong("--load", text, NamedLoad.Form) + hint);
            }
            else if (loads.Exists(other => other.Domain == load.Domain))
            {
                result.AddError($"--load {text}: {load.Domain} has a load already; give each domain one.");
            }
            else
            {
                loads.Add(load);
            }
        }

        return [.. loads];
    }

    private static string? AtMost(string option, string text, long ns, long mostNs) =>
        ns <= mostNs ? null : $"{option} {text}: too long; give at most {Quantity.FormatDuration(mostNs)}.";
}
