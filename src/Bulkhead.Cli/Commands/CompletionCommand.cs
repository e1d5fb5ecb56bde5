using System.CommandLine;
using System.CommandLine.Completions;
using Bulkhead.Host;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead completion</c>: what makes a shell complete our command line.</summary>
internal sealed class CompletionCommand
{
    internal const string Notes = """
        Examples:
          source <(bulkhead completion bash)                              for this shell; in ~/.bashrc for every one
          source <(bulkhead completion zsh)                               likewise, in ~/.zshrc behind compinit
          bulkhead completion fish > ~/.config/fish/completions/bulkhead.fish

        The script asks the program for each completion; nothing else needs to be installed.

        Exit codes:
          0 done, 2 usage

        """;

    private static readonly string[] s_shells = ["bash", "zsh", "fish"];

    private readonly TextWriter _output;
    private readonly Argument<string> _shell = new("SHELL")
    {
        Description = $"The shell: {string.Join(", ", s_shells)}.",
        CustomParser = static result =>
        {
            string text = result.Tokens[0].Value;
            if (!s_shells.Contains(text))
            {
                string hint = NearestName.Find(text, s_shells) is { } near ? $" Did you mean {near}?" : string.Empty;
                result.AddError($"{text}: there is no script for such a shell; write one of {string.Join(", ", s_shells)}.{hint}");
            }

            return text;
        },
    };

    internal CompletionCommand(TextWriter output) => _output = output;

    internal Command Create()
    {
        _shell.CompletionSources.Add(s_shells);
        var command = new Command("completion", "Print a script that makes a shell complete this command line.") { _shell };
        command.SetAction(line => _output.Write(line.GetRequiredValue(_shell) switch
        {
            "bash" => CompletionScripts.Bash,
            "zsh" => CompletionScripts.Zsh,
            _ => CompletionScripts.Fish,
        }));
        return command;
    }
}
