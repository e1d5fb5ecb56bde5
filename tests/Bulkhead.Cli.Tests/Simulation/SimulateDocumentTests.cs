using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Simulation;
using Bulkhead.Machine.Simulation;
using Xunit;

namespace Bulkhead.Cli.Tests.Simulation;

/// <summary>The example of <c>docs/simulate.md</c> is what the program prints and draws.</summary>
public sealed class SimulateDocumentTests
{
    [Fact]
    public void Document_Example_IsTheRealOutput()
    {
        string root = Root();
        using var output = new StringWriter();
        using var chart = new MemoryStream();
        using var errors = new StringWriter();
        var request = new SimulateRequest(
            Path.Combine(root, "examples", "mixed-criticality.yaml"), [new NamedLoad("control", new SimulatedLoad(LoadKind.Periodic, 10_000_000, 6_000_000))], 1_000_000_000, 100_000, 1, null, false);

        Assert.Equal(0, SimulationRun.Run(request, () => chart, output, errors));
        Assert.Contains(
            "--load control=periodic:10ms/6ms --overrun 100us -o docs/simulate.svg\n" + output + "```\n", File.ReadAllText(Path.Combine(root, "docs", "simulate.md")), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(Path.Combine(root, "docs", "simulate.svg")), System.Text.Encoding.UTF8.GetString(chart.ToArray()));
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Bulkhead.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests do not run inside the working tree.");
    }
}
