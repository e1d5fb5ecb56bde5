using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Bulkhead.Cli.Commands;

/// <summary>The usual help, and below it what a command adds: examples, keys, exit codes.</summary>
internal sealed class HelpWithNotes : SynchronousCommandLineAction
{
    private readonly HelpAction _help;
    private readonly IReadOnlyDictionary<Command, string> _notes;

    internal HelpWithNotes(HelpAction help, IReadOnlyDictionary<Command, string> notes)
    {
        _help = help;
        _notes = notes;
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int code = _help.Invoke(parseResult);
        if (_notes.TryGetValue(parseResult.CommandResult.Command, out string? notes))
        {
            parseResult.InvocationConfiguration.Output.WriteLine(notes);
        }

        return code;
    }
}
