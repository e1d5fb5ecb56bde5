using Bulkhead.Cli.Commands;
using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class SchemaCommandTests
{
    [Fact]
    public void Schema_Command_PrintsIt()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();

        int code = new CommandLine(new RecordingHost(), output, errors).Invoke(["schema"]);

        Assert.Equal((0, string.Empty, SystemSchema.Text()), (code, errors.ToString(), output.ToString()));
    }
}
