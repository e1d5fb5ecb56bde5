using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Cli.Control;
using Bulkhead.Cli.Disks;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Output;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Host.Terminal;
using Bulkhead.Machine.Devices;

namespace Bulkhead.Cli.Commands;

/// <summary>The commands that speak to a running system: they find it by the domain's name, ask, and print.</summary>
internal sealed partial class ControlCommands(TextWriter output)
{
    internal const string PsNotes = """
        One line per domain of every system you started with 'bulkhead up':

          CLASS     which of its classes its vCPUs are in, or were last; base for none of them, - where it has none
          STATE     waiting (for a domain it depends on), booting, running, paused, stopping, restarting, exited(CODE)
          CPU%      of one CPU, over the last second
          SHARE%    of what its pool ran; WEIGHT% is what its weight stands for
          P50 ...   time from wake-up to dispatch, since 'set' or 'apply' changed anything in its pool last; BOUND is what it cannot
                    exceed, whatever anybody does

        Exit codes:
          0, 1 where the system asked for does not run

        """;

    internal const string SetNotes = """
        Example:
          bulkhead set control weight=2 warp=50ms

        Values:
          weight=N        share of each vCPU against the others on its CPU, 1 to 65535
          warp=TIME       how far ahead of its share it may be and still go first; 0 for never
          warp-limit=TIME having run so long without sleeping it loses the warp; 0 for no limit
          unwarp=TIME     for so long
          priority=N      of each vCPU, 0 to 255, in a pool of fixed priorities
          CLASS.warp=TIME, CLASS.priority=N, CLASS.limit=TIME, CLASS.rest=TIME
                          of a class that its system file declares

        The change is refused where some domain would no longer get the latency its system file declares.

        """;

    internal const string ApplyNotes = """
        Examples:
          bulkhead apply system.yaml
          bulkhead apply night.yaml --system system

        While domains run, these may change: a pool's policy, allowance and frame; a domain's weight, warp, reservation, priority,
        classes, latency, restart, watchdog, depends_on and expect. What 'set' changed is again as the file says. A file that changes anything else, or that cannot be kept, is refused with
        every difference named, and nothing happens: for that, end the system with 'bulkhead down' and start it again.

        """;

    internal const string ResizeNotes = """
        Examples:
          bulkhead resize web +10G
          bulkhead resize web:1 40G

        DISK is the disk's number from 0, in the order of the domain's disks. Raw and qcow2 grow; the guest is told at once, and grows its
        partitions and file systems itself. A disk that is a temporary overlay grows for this life of the domain only.

        """;

    internal const string ConsoleNotes = """
        Examples:
          bulkhead console box
          bulkhead console box --device hvc0

        What is typed goes to the guest's first serial port (ttyS0), or with --device hvc0 to the virtio console that the domain's
        field console gives it; the guest is told how large this terminal is, and when that changes. Several may look on and type at
        once. The guest does not wait for anybody: who reads too slowly misses output. Ctrl-] or Ctrl-A x detaches, and the guest
        goes on.

        """;

    internal const string WhyNotes = """
        Of each of the longest waits of the last minute or two: who ran meanwhile, by which rule of the pool's policy and for how
        long, and what the bound (see 'bulkhead validate') granted each. Policy and bound are those that held then.

          the turn's end   it ran when the wake-up came; ending its turn takes a moment
          further behind   bvt: its virtual time was smaller, or its warp larger, so that it came first (docs/scheduling.md)
          deadline         edf: of those with budget left, the earliest deadline comes first
          priority         fixed-priority: the higher one comes first
          its next window  arinc653: until its own windows come, others have theirs, or the frame has a gap
          its next budget  edf: its own was used up, and it may take no extra time
          as CLASS         what it said it was doing, or what woke it, put it into this class
          the host         CPU time the host gave to others; no bound covers that

        """;

    internal const string TraceNotes = """
        Examples:
          bulkhead trace -o now.json --duration 3s
          bulkhead trace -o before.json --last 5s

        Open the file in Perfetto (ui.perfetto.dev). There is a line per vCPU and one per host CPU (docs/trace.md). With --last it
        holds turns and waits, as a flight recorder does; such a file is written as well when a domain crashes or waits longer
        than the latency it declares. Ctrl-C ends a trace early, and the file is complete.

        """;

    internal const string NetworksNotes = """
        Of each network between domains, what passed since it was started:

          SENT, RECEIVED  frames of a domain; one that is cut into segments on the way counts once
          DENIED          no rule let it pass, or a rule's limit was reached
          SPOOFED         sent with an address that is not its own
          BAD             malformed
          NOBODY          sent to an address that nobody has, or to a domain that is off
          OVERRUN         it was too slow to take them
          FRAMES          a rule let them pass, segments counted each; ANSWERS passed because of those
          DROPPED         by the rule: it denies, or its limit was reached

        """;

    internal const string CaptureNotes = """
        Examples:
          bulkhead capture control -o control.pcap
          bulkhead capture control:1 -o - --duration 10s | tshark -r -

        The frames of a network card, both ways, as the guest sends and receives them: what is yet to be cut into segments is one
        frame. CARD is the card's number from 0, in the order of the domain's networks. Without --duration it goes on until Ctrl-C,
        which ends the file in good order.

        """;

    private readonly Option<string?> _system = SystemName();
    private readonly Option<bool> _json = Options.Switch("--json", "Print JSON.");

    // Standard output, below its text.
    private Stream Bytes => output is StreamWriter text ? text.BaseStream : Stream.Null;

    internal IEnumerable<(Command Command, string? Notes)> Create()
    {
        yield return (Ps(), PsNotes);
        yield return (Top(), PsNotes);
        yield return (Verb("start", "Start a domain that is off.", grace: false), null);
        yield return (Verb("stop", "Stop a domain: the power button, and after a while by force.", grace: true), null);
        yield return (Verb("restart", "Stop a domain and start it again.", grace: true), null);
        yield return (Verb("kill", "End a domain at once.", grace: false), null);
        yield return (Verb("pause", "Hold a domain's vCPUs still; its time goes on.", grace: false), null);
        yield return (Verb("resume", "Let a paused domain go on.", grace: false), null);
        yield return (Set(), SetNotes);
        yield return (Apply(), ApplyNotes);
        yield return (Logs(), null);
        yield return (ConsoleOf(), ConsoleNotes);
        yield return (Why(), WhyNotes);
        yield return (Trace(), TraceNotes);
        yield return (Networks(), NetworksNotes);
        yield return (Channels(), null);
        yield return (Part("revoke", "Take a domain's part in a channel away: its memory is gone, its doorbells ring nobody."), null);
        yield return (Part("grant", "Give a domain's part in a channel back."), null);
        yield return (Resize(), ResizeNotes);
        yield return (Link(), null);
        yield return (Capture(), CaptureNotes);
        yield return (Screenshot(), null);
        yield return (TypeText(), TypeNotes);
        yield return (Keys(), KeysNotes);
        yield return (Down(), null);
    }

    private static Option<string?> SystemName()
    {
        var system = new Option<string?>("--system") { HelpName = "NAME", Description = "The system, where several are running (its file's name)." };
        system.CompletionSources.Add(static _ => RunningSystems.Ask(null).Select(static s => new CompletionItem(s.System ?? string.Empty)));
        return system;
    }

    private static Argument<string> Domain()
    {
        var domain = new Argument<string>("DOMAIN") { Description = "The domain's name." };
        OfferDomains(domain);
        return domain;
    }

    private static void OfferDomains(Argument<string> argument) =>
        Offer(argument, static _ => RunningSystems.Ask(null).SelectMany(static s => s.Domains ?? []).Select(static d => d.Name));

    // Every argument is asked for what completes a word, whichever it is: the first that is not given is meant.
    private static void Offer(Argument<string> argument, Func<ParseResult, IEnumerable<string>> words) => argument.CompletionSources.Add(context =>
        context.ParseResult.CommandResult.Command.Arguments.FirstOrDefault(a => !IsGiven(context, a)) == argument
            ? words(context.ParseResult).Distinct().Select(static word => new CompletionItem(word)) : []);

    private static bool IsGiven(CompletionContext context, Argument argument) =>
        context.ParseResult.GetResult(argument)?.Tokens is [var token] && token.Value != context.WordToComplete;

    private Command Ps()
    {
        var command = new Command("ps", "List the domains of running systems.") { _system, _json };
        command.SetAction(line => Print(RunningSystems.Ask(line.GetValue(_system)), line.GetValue(_json)));
        return command;
    }

    private Command Top()
    {
        var command = new Command("top", "Show the domains of running systems, again every second.") { _system };
        command.SetAction(line =>
        {
            // Until nobody reads it.
            while (Bytes.CanWrite)
            {
                IReadOnlyList<ControlReply> systems = RunningSystems.Ask(line.GetValue(_system));
                if (systems.Count == 0)
                {
                    return Print(systems, json: false);
                }

                // ECMA-48: to the upper left corner, and erase.
                output.Write("\e[H\e[2J");
                _ = Print(systems, json: false);
                Thread.Sleep(TimeSpan.FromSeconds(1));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private Command Verb(string verb, string description, bool grace)
    {
        Argument<string> domain = Domain();
        Option<long> time = Options.Duration("--time", "How long it gets to end by itself (that of the system: 5s); 0 for not at all.", zero: true);
        var command = new Command(verb, description) { domain, _system };
        if (grace)
        {
            command.Add(time);
        }

        command.SetAction(line => Ask(line, line.GetRequiredValue(domain), new ControlRequest
        {
            Verb = verb,
            Seconds = grace && line.GetResult(time) is not null ? line.GetValue(time) / 1e9 : null,
        }));
        return command;
    }

    private Command Set()
    {
        Argument<string> domain = Domain();
        var values = new Argument<string[]>("NAME=VALUE") { Description = "What is to change.", Arity = ArgumentArity.OneOrMore };
        values.Validators.Add(static result =>
        {
            foreach (string text in result.Tokens.Select(static t => t.Value).Where(static t => t.IndexOf('=', StringComparison.Ordinal) < 1))
            {
                result.AddError($"{text}: not understood; write NAME=VALUE, as in weight=2.");
            }

            foreach (string name in result.Tokens.CountBy(static t => t.Value.Split('=')[0]).Where(static n => n.Value > 1).Select(static n => n.Key))
            {
                result.AddError($"{name}: given more than once; give it one value.");
            }
        });
        values.CompletionSources.Add(context => RunningSystems.Ask(context.ParseResult.GetValue(_system))
            .SelectMany(static s => s.Domains ?? []).Where(d => d.Name == context.ParseResult.GetValue(domain)).SelectMany(static d => d.Settable).Distinct()
            .Select(static name => new CompletionItem(name + "=")));
        var command = new Command("set", "Change a domain's weight, warp, priority or classes while it runs.") { domain, values, _system };
        command.SetAction(line => Ask(line, line.GetRequiredValue(domain), new ControlRequest
        {
            Verb = "set",
            Values = line.GetRequiredValue(values).Select(static v => v.Split('=', 2)).ToDictionary(static v => v[0], static v => v[1]),
        }));
        return command;
    }

    private Command Apply()
    {
        Argument<string> file = Options.SystemFile();
        var command = new Command("apply", "Take on another version of its file while a system runs.") { file, _system };
        command.SetAction(line =>
        {
            string path = line.GetRequiredValue(file);
            string system = line.GetValue(_system) ?? UpCommand.NameOf(path);
            using ControlClient client = RunningSystems.ConnectTo(system);
            return Print([client.Ask(new ControlRequest { Verb = "apply", Values = new Dictionary<string, string> { ["file"] = path } })], json: false);
        });
        return command;
    }

    private Command Logs()
    {
        Argument<string> domain = Domain();
        Option<bool> follow = Options.Switch("--follow", "Go on with what it prints from now on.");
        follow.Aliases.Add("-f");
        Option<int> tail = Options.Create("--tail", "N", "The last lines only.", "a number", static (string text, out int n) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out n));
        tail.Aliases.Add("-n");
        Option<string?> device = Device(domain);
        var command = new Command("logs", "Print what a domain printed, as far as it is kept (256 KiB).") { domain, follow, tail, device, _system };
        command.SetAction(line =>
        {
            using ControlClient client = RunningSystems.Connect(line.GetRequiredValue(domain), line.GetValue(_system));
            _ = client.Ask(new ControlRequest
            {
                Verb = "logs",
                Domain = line.GetRequiredValue(domain),
                Device = line.GetValue(device),
                Follow = line.GetValue(follow),
                Lines = line.GetResult(tail) is null ? null : line.GetValue(tail),
            });
            ConsoleClient.Copy(client.Socket, Bytes);
            return ExitCode.Ok;
        });
        return command;
    }

    private Command ConsoleOf()
    {
        Argument<string> domain = Domain();
        Option<string?> device = Device(domain);
        var command = new Command("console", "Attach this terminal to a domain's first serial port, or its virtio console.") { domain, device, _system };
        command.Aliases.Add("attach");
        command.SetAction(line =>
        {
            var request = new ControlRequest { Verb = "console", Domain = line.GetRequiredValue(domain), Device = line.GetValue(device), Lines = 20 };
            using ControlClient client = RunningSystems.Connect(request.Domain, line.GetValue(_system));
            string system = client.Ask(request).System ?? string.Empty;
            ConsoleClient.Attach(client.Socket, Bytes, size => TellSize(system, request, size));
            return ExitCode.Ok;
        });
        return command;
    }

    private Option<string?> Device(Argument<string> domain)
    {
        var device = new Option<string?>("--device") { HelpName = "NAME", Description = "Which of its consoles, as Linux calls it: ttyS0 (the first serial port), or hvc0 (virtio)." };
        device.CompletionSources.Add(context => RunningSystems.Ask(context.ParseResult.GetValue(_system))
            .SelectMany(static s => s.Domains ?? []).Where(d => d.Name == context.ParseResult.GetValue(domain)).SelectMany(static d => d.Consoles).Distinct()
            .Select(static name => new CompletionItem(name)));
        return device;
    }

    // By a connection of its own: what goes over the console's is typed.
    private static void TellSize(string system, ControlRequest console, TerminalSize size)
    {
        try
        {
            using ControlClient? client = ControlClient.TryConnect(system);
            _ = client?.Ask(console with
            {
                Verb = "window",
                Values = new Dictionary<string, string> { ["columns"] = $"{size.Columns}", ["rows"] = $"{size.Rows}" },
            });
        }
        catch (OperatorException)
        {
            // The system ended; the console's connection says so.
        }
    }

    private Command Why()
    {
        Argument<string> domain = Domain();
        var command = new Command("why", "Explain the longest waits of a domain from wake-up to dispatch.") { domain, _system, _json };
        command.SetAction(line =>
        {
            string name = line.GetRequiredValue(domain);
            using ControlClient client = RunningSystems.Connect(name, line.GetValue(_system));
            IReadOnlyList<WaitReport> waits = client.Ask(new ControlRequest { Verb = "why", Domain = name }).Waits ?? [];
            if (line.GetValue(_json))
            {
                output.WriteLine(JsonSerializer.Serialize(waits, ControlJson.Default.IReadOnlyListWaitReport));
            }
            else
            {
                WaitText.Write(output, name, waits);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private Command Trace()
    {
        Option<string> file = Output();
        Option<long> duration = Options.Duration("--duration", "Trace for this time (1s).");
        Option<long> last = Options.Duration("--last", "Rather write the turns of so long ago until now, as far as they are remembered.");
        var command = new Command("trace", "Write turns, waits, VM exits and interrupts of a running system for Perfetto.") { file, duration, last, _system };
        command.SetAction(line =>
        {
            string path = line.GetRequiredValue(file);
            bool remembered = line.GetResult(last) is not null;
            long ns = remembered ? line.GetValue(last) : line.GetResult(duration) is not null ? line.GetValue(duration) : 1_000_000_000;
            using ControlClient client = RunningSystems.ConnectTo(line.GetValue(_system));
            return Save(client, new ControlRequest { Verb = "trace", Seconds = ns / 1e9, Follow = !remembered }, path);
        });
        return command;
    }

    private static Option<string> Output()
    {
        var file = new Option<string>("--output") { HelpName = "FILE", Description = "Where it is written; - for standard output.", Required = true };
        file.Aliases.Add("-o");
        return file;
    }

    // Asked first, so that what cannot be done leaves a file as it was. A signal ends it in good order, with a file that is complete.
    private int Save(ControlClient client, ControlRequest request, string path)
    {
        _ = client.Ask(request);
        try
        {
            using Stream stream = path == "-" ? Bytes : OutputFile.Create("--output", path);
            using var signals = new HostSignals((_, _) => client.EndSending());
            client.CopyTo(stream);
            return ExitCode.Ok;
        }
        catch (IOException e)
        {
            throw new OperatorException($"--output {path}: {e.Message}");
        }
    }

    private Command Channels()
    {
        var command = new Command("channels", "Show the channels between domains, who has what part, and the doorbells so far.") { _system, _json };
        command.SetAction(line =>
        {
            Show(line, "channels", static r => r.Channels, ControlJson.Default.IReadOnlyListChannelReport, WriteChannels);
            return ExitCode.Ok;
        });
        return command;
    }

    private void WriteChannels(string? system, IReadOnlyList<ChannelReport> channels)
    {
        foreach (ChannelReport channel in channels)
        {
            output.WriteLine($"channel {channel.Name} of {system}: {Quantity.FormatSize(channel.SizeBytes)}, doorbells for each: {channel.Doorbells}");
            output.WriteLine($"  {"NUMBER",6} {"DOMAIN",-16} {"ACCESS",-8} {"RUNG",10} {"TAKEN",10}");
            foreach (ChannelMemberReport m in channel.Members)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {m.Number,6} {m.Domain,-16} {m.Access,-8} {m.Rung,10} {m.Taken,10}"));
            }
        }
    }

    // Asks for a list, and writes it as records or in a form for people.
    private void Show<T>(ParseResult line, string verb, Func<ControlReply, IReadOnlyList<T>?> listOf, JsonTypeInfo<IReadOnlyList<T>> json, Action<string?, IReadOnlyList<T>> write)
    {
        using ControlClient client = RunningSystems.ConnectTo(line.GetValue(_system));
        ControlReply reply = client.Ask(new ControlRequest { Verb = verb });
        IReadOnlyList<T> list = listOf(reply) ?? [];
        if (line.GetValue(_json))
        {
            output.WriteLine(JsonSerializer.Serialize(list, json));
        }
        else
        {
            write(reply.System, list);
        }
    }

    private Command Part(string verb, string description)
    {
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var domain = new Argument<string>("DOMAIN") { Description = "The domain's name." };
        Offer(channel, line => ChannelsOf(line).Select(static c => c.Name));
        Offer(domain, line => ChannelsOf(line).Where(c => c.Name == line.GetValue(channel)).SelectMany(static c => c.Members).Select(static m => m.Domain));
        var command = new Command(verb, description) { channel, domain, _system };
        command.SetAction(line =>
        {
            string name = line.GetRequiredValue(domain);
            return Ask(line, name, new ControlRequest { Verb = verb, Values = new Dictionary<string, string> { ["channel"] = line.GetRequiredValue(channel) } });
        });
        return command;
    }

    private IEnumerable<ChannelReport> ChannelsOf(ParseResult line) => RunningSystems.Ask(line.GetValue(_system), "channels").SelectMany(static s => s.Channels ?? []);

    private Command Networks()
    {
        var command = new Command("networks", "Show what passed on the networks between domains, and by which rules.") { _system, _json };
        command.SetAction(line =>
        {
            Show(line, "networks", static r => r.Networks, ControlJson.Default.IReadOnlyListNetworkReport, (system, networks) => NetworkTable.Write(output, system, networks));
            return ExitCode.Ok;
        });
        return command;
    }

    private Command Resize()
    {
        Argument<string> disk = Numbered("DISK", "The domain's name, and which of its disks (0).");
        var size = new Argument<string>("SIZE") { Description = "The new size, or +SIZE for so much more." };
        size.Validators.Add(static result =>
        {
            if (!DiskSize.TryParse(result.Tokens[0].Value, out _))
            {
                result.AddError(Options.Wrong("SIZE", result.Tokens[0].Value, DiskSize.Form));
            }
        });
        var command = new Command("resize", "Make a disk of a running domain larger.") { disk, size, _system };
        command.SetAction(line =>
        {
            _ = TryNumbered(line.GetRequiredValue(disk), out string domain, out int number);
            using ControlClient client = RunningSystems.Connect(domain, line.GetValue(_system));
            ControlReply reply = client.Ask(new ControlRequest
            {
                Verb = "resize",
                Domain = domain,
                Values = new Dictionary<string, string> { ["disk"] = number.ToString(CultureInfo.InvariantCulture), ["size"] = line.GetRequiredValue(size) },
            });
            output.WriteLine($"{domain}: disk {number} has {Quantity.FormatSize((ulong)(reply.DiskBytes ?? 0))}");
            return reply.ExitCode;
        });
        return command;
    }

    private Command Link()
    {
        Argument<string> card = Numbered("CARD", "The domain's name, and which of its network cards (0).");
        var state = new Argument<string>("up|down") { Description = "Whether frames pass." };
        _ = state.AcceptOnlyFromAmong("up", "down");
        state.CompletionSources.Clear();
        state.CompletionSources.Add(context => IsGiven(context, card) ? [new CompletionItem("up"), new CompletionItem("down")] : []);
        var command = new Command("link", "Plug the cable of a domain's network card in, or pull it out; the guest is told.") { card, state, _system };
        command.SetAction(line =>
        {
            _ = TryNumbered(line.GetRequiredValue(card), out string domain, out int number);
            return Ask(line, domain, new ControlRequest { Verb = "link", Card = number, Values = new Dictionary<string, string> { ["link"] = line.GetRequiredValue(state) } });
        });
        return command;
    }

    private static Argument<string> Numbered(string what, string description)
    {
        var argument = new Argument<string>($"DOMAIN[:{what}]") { Description = description };
        argument.Validators.Add(result =>
        {
            if (!TryNumbered(result.Tokens[0].Value, out _, out _))
            {
                result.AddError($"{result.Tokens[0].Value}: not understood; write DOMAIN or DOMAIN:{what}, as in control:1.");
            }
        });
        OfferDomains(argument);
        return argument;
    }

    private Command Capture()
    {
        Argument<string> card = Numbered("CARD", "The domain's name, and which of its network cards (0).");
        Option<string> file = Output();
        Option<long> duration = Options.Duration("--duration", "Capture for this time (until it is ended).");
        var command = new Command("capture", "Write the frames of a domain's network card to a pcap file.") { card, file, duration, _system };
        command.SetAction(line =>
        {
            _ = TryNumbered(line.GetRequiredValue(card), out string domain, out int number);
            string path = line.GetRequiredValue(file);
            using ControlClient client = RunningSystems.Connect(domain, line.GetValue(_system));
            return Save(client, new ControlRequest
            {
                Verb = "capture",
                Domain = domain,
                Card = number,
                Seconds = line.GetResult(duration) is not null ? line.GetValue(duration) / 1e9 : null,
            }, path);
        });
        return command;
    }

    private static bool TryNumbered(string text, out string domain, out int number)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        domain = colon < 0 ? text : text[..colon];
        number = 0;
        return colon < 0 || int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private Command Down()
    {
        var command = new Command("down", "Stop a running system, domains before those they depend on.") { _system };
        command.SetAction(line =>
        {
            using ControlClient client = RunningSystems.ConnectTo(line.GetValue(_system));
            _ = client.Ask(new ControlRequest { Verb = "down" });
            client.CopyTo(Stream.Null); // the connection ends when nothing is left of the system
            return ExitCode.Ok;
        });
        return command;
    }

    private int Ask(ParseResult line, string domain, ControlRequest request)
    {
        using ControlClient client = RunningSystems.Connect(domain, line.GetValue(_system));
        ControlReply reply = client.Ask(request with { Domain = domain });
        foreach (DomainStatus status in reply.Domains ?? [])
        {
            output.WriteLine($"{status.Name}: {status.State}{(request.Verb == "set" ? Entitled(status) : string.Empty)}");
        }

        return reply.ExitCode;
    }

    // What it is entitled to now; the policy of its pool reads its part.
    private static string Entitled(DomainStatus status) => string.Concat(
        (status.Classes ?? []).Select(static c =>
            $"; {c.Name}: {(c.WarpNs is { } ns ? $"warp {Quantity.FormatDuration(ns)}" : $"priority {c.Priority}")}"
            + (c.LimitNs is { } limit ? $", limit {Quantity.FormatDuration(limit)}, rest {Quantity.FormatDuration(c.RestNs ?? 0)}" : string.Empty))
            .Prepend(status.Priority is { } priority ? $", priority {priority}" : $", weight {status.Weight}, warp {Quantity.FormatDuration(status.WarpNs)}"));

    private int Print(IReadOnlyList<ControlReply> systems, bool json)
    {
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(systems, ControlJson.Default.IReadOnlyListControlReply));
            return ExitCode.Ok;
        }

        output.WriteLine($"{"SYSTEM",-16} {StatusTable.Head()}");
        foreach (ControlReply system in systems)
        {
            foreach (DomainStatus domain in system.Domains ?? [])
            {
                output.WriteLine($"{system.System,-16} {StatusTable.Row(domain)}");
            }
        }

        return ExitCode.Ok;
    }
}
