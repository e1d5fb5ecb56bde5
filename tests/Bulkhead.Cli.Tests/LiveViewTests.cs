using System.Text.RegularExpressions;
using Bulkhead.Cli.Control;
using Bulkhead.Cli.Systems;
using Bulkhead.Host.Terminal;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed partial class LiveViewTests
{
    private static readonly DomainStatus s_domain = new()
    {
        Name = "box", State = "running", Seconds = 1, Restarts = 0, Pool = "p", Vcpus = 1, MemoryBytes = 1 << 28, Weight = 1, WarpNs = 0,
        CpuPercent = 1, SharePercent = 1, WeightPercent = 1, Exits = 1, TotalExits = 1,
    };

    [Theory]
    [InlineData(100)]
    [InlineData(60)]
    [InlineData(20)]
    [InlineData(200)]
    public void Draw_InAWindowOfAnotherWidth_WipesAllRowsOfTheTableThatStands(int columns)
    {
        using var output = new StringWriter();
        var size = new TerminalSize(40, 100);
        var view = new LiveView(output, () => size);
        view.Tick(1, [s_domain]);
        int rows = Sequences().Replace(output.ToString(), string.Empty).TrimEnd('\n').Split('\n').Sum(line => Math.Max((line.Length + columns - 1) / columns, 1));
        output.GetStringBuilder().Clear();

        size = new TerminalSize(40, columns);
        view.Tick(2, [s_domain]);

        Assert.StartsWith($"\e[{rows}A\r\e[J", output.ToString(), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\e\[[0-9;]*[A-Za-z]")]
    private static partial Regex Sequences();
}
