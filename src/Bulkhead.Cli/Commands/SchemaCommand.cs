using System.CommandLine;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead schema</c>: the system file's form, for editors.</summary>
internal sealed class SchemaCommand
{
    internal const string Notes = """
        Example:
          bulkhead schema > system.schema.json

        An editor with YAML support completes and checks the fields of a system file that starts with the line

          # yaml-language-server: $schema=system.schema.json

        'bulkhead validate' checks more than a schema can say (docs/system-file.md).

        Exit codes:
          0 done, 2 usage

        """;

    private readonly TextWriter _output;

    internal SchemaCommand(TextWriter output) => _output = output;

    internal Command Create()
    {
        var command = new Command("schema", "Print the form of the system file as a JSON Schema.");
        command.SetAction(_ => _output.Write(SystemSchema.Text()));
        return command;
    }
}
