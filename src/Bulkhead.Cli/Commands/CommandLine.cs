using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Output;
using Bulkhead.Host;
using Bulkhead.Images;

namespace Bulkhead.Cli.Commands;

/// <summary>The command line as a whole: what it knows, and how it fails.</summary>
internal sealed class CommandLine
{
    private readonly RootCommand _root;
    private readonly TextWriter _output;
    private readonly TextWriter _errors;

    internal CommandLine(IMachineHost host, TextWriter output, TextWriter errors)
    {
        _output = output;
        _errors = errors;
        Command run = new RunCommand(host, errors).Create();
        Command up = new UpCommand(host).Create();
        Command validate = new ValidateCommand(host).Create();
        Command test = new TestCommand(host).Create();
        Command simulate = new SimulateCommand(host).Create();
        Command disk = new DiskCommands(output).Create();
        Command schema = new SchemaCommand(output).Create();
        Command completion = new CompletionCommand(output).Create();
        _root = new RootCommand("Bulkhead runs unmodified x86-64 guests side by side, each in its own compartment, with no virtualization hardware.")
        {
            run,
            up,
            validate,
            test,
            simulate,
            disk,
            schema,
            completion,
        };
        var notes = new Dictionary<Command, string>
        {
            [run] = RunCommand.Notes,
            [up] = UpCommand.Notes,
            [validate] = ValidateCommand.Notes,
            [test] = TestCommand.Notes,
            [simulate] = SimulateCommand.Notes,
            [disk] = DiskCommands.Notes,
            [schema] = SchemaCommand.Notes,
            [completion] = CompletionCommand.Notes,
        };
        foreach ((Command command, string? text) in new ControlCommands(output).Create())
        {
            _root.Add(command);
            if (text is not null)
            {
                notes.Add(command, text);
            }
        }

        _root.Add(new ImageCommands(output, errors).Create(notes));
        foreach (HelpOption help in _root.Options.OfType<HelpOption>())
        {
            if (help.Action is HelpAction usual)
            {
                help.Action = new HelpWithNotes(usual, notes);
            }
        }
    }

    /// <summary>Runs what the arguments ask for and returns the process's exit code.</summary>
    internal int Invoke(string[] arguments)
    {
        ParseResult line = _root.Parse(arguments);
        if (line.Action is ParseErrorAction || (line.Errors.Count > 0 && line.Action is null))
        {
            return Refuse(line);
        }

        try
        {
            // Signals belong to the terminal and the machine; exceptions are ours to word.
            return line.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = _output,
                Error = _errors,
            });
        }
        catch (OperatorException e)
        {
            Complaint.Write(_errors, e.Message);
            return e.ExitCode;
        }
        catch (TypeInitializationException e) when (e.InnerException is OperatorException refused)
        {
            Complaint.Write(_errors, refused.Message); // what the process needs once, and the host refused
            return refused.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Complaint.Write(_errors, e.Message); // a full disk, mostly
            return ExitCode.Error;
        }
    }

    private int Refuse(ParseResult line)
    {
        Command command = line.CommandResult.Command;
        string[] unknown = UnknownWords(line);
        if (unknown.Length > 0)
        {
            foreach (string token in unknown)
            {
                Complaint.Write(_errors, $"{token}: {Unknown(token, command)}");
            }
        }
        else
        {
            foreach (string message in line.Errors.Select(e => e.Message).Distinct())
            {
                Complaint.Write(_errors, message);
            }
        }

        var names = new List<string> { "bulkhead" };
        for (Command? at = command; at is not (null or RootCommand); at = at.Parents.OfType<Command>().FirstOrDefault())
        {
            names.Insert(1, at.Name);
        }

        _errors.WriteLine($"Try '{string.Join(' ', names)} --help'.");
        return ExitCode.Usage;
    }

    // An option that is not known can pass for an argument, and its value for one too many; the option is the cause.
    private static string[] UnknownWords(ParseResult line)
    {
        IEnumerable<string> arguments = line.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value);
        string[] options = [.. arguments.Concat(line.UnmatchedTokens).Where(t => t.StartsWith('-')).Distinct()];
        return options.Length > 0 ? options : [.. line.UnmatchedTokens];
    }

    private static string Unknown(string token, Command command)
    {
        bool option = token.StartsWith('-');
        IEnumerable<string> known = option ? command.Options.Select(o => o.Name) : command.Subcommands.Select(c => c.Name);
        string? near = NearestName.Find(token.Split('=')[0], known);
        string kind = option ? "there is no such option" : command.Subcommands.Count > 0 ? "there is no such command" : "one word too many";
        return near is null ? kind + "." : $"{kind}; did you mean {near}?";
    }
}
