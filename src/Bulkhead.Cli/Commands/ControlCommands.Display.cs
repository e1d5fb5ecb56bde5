using System.CommandLine;
using Bulkhead.Cli.Control;

namespace Bulkhead.Cli.Commands;

/// <content>A domain's display and keyboard.</content>
internal sealed partial class ControlCommands
{
    internal const string TypeNotes = """
        Examples:
          bulkhead type box 'ls -l' --enter
          bulkhead type box "$(cat commands)"

        The text is typed on the domain's keyboard as on a US one, whatever layout the guest has. It may have several lines.

        """;

    internal const string KeysNotes = """
        Examples:
          bulkhead keys box ctrl-alt-f2
          bulkhead keys box up up enter

        Keys joined by hyphens are held together. A key is a character without Shift, as on a US keyboard, or one of esc, f1 to f12,
        backspace, tab, enter, space, ctrl, rctrl, shift, rshift, alt, altgr, meta, menu, capslock, numlock, scrolllock, print, insert,
        delete, home, end, pageup, pagedown, up, down, left, right, minus.

        """;

    private Command Screenshot()
    {
        Argument<string> domain = Domain();
        Option<string> file = Output();
        var command = new Command("screenshot", "Write what a domain's display shows as a PNG file.") { domain, file, _system };
        command.SetAction(line =>
        {
            string path = line.GetRequiredValue(file), name = line.GetRequiredValue(domain);
            using ControlClient client = RunningSystems.Connect(name, line.GetValue(_system));
            return Save(client, new ControlRequest { Verb = "screenshot", Domain = name }, path);
        });
        return command;
    }

    private Command TypeText()
    {
        Argument<string> domain = Domain();
        var text = new Argument<string>("TEXT") { Description = "What is typed." };
        Option<bool> enter = Options.Switch("--enter", "And Enter behind it.");
        var command = new Command("type", "Type a text on a domain's keyboard.") { domain, text, enter, _system };
        command.SetAction(line => Press(line, line.GetRequiredValue(domain), "type", line.GetRequiredValue(text) + (line.GetValue(enter) ? "\n" : string.Empty)));
        return command;
    }

    private Command Keys()
    {
        Argument<string> domain = Domain();
        var keys = new Argument<string[]>("KEY") { Description = "Keys, in turn; those to be held together are joined by hyphens.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("keys", "Press keys of a domain's keyboard.") { domain, keys, _system };
        command.SetAction(line => Press(line, line.GetRequiredValue(domain), "keys", string.Join(' ', line.GetRequiredValue(keys))));
        return command;
    }

    private int Press(ParseResult line, string domain, string verb, string text)
    {
        using ControlClient client = RunningSystems.Connect(domain, line.GetValue(_system));
        return client.Ask(new ControlRequest { Verb = verb, Domain = domain, Text = text }).ExitCode;
    }
}
