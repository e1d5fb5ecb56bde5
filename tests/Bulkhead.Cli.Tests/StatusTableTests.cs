using Bulkhead.Cli.Control;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class StatusTableTests
{
    [Theory]
    [InlineData(200, true)]
    [InlineData(79, false)]
    public void Table_FitsTheWindow_AndKeepsWhatMatters(int width, bool all)
    {
        var status = new DomainStatus
        {
            Name = "control", State = "exited", ExitCode = 137, Seconds = 75, Restarts = 2, Pool = "p", Vcpus = 1, MemoryBytes = 1 << 28, Weight = 1, WarpNs = 0, VcpuClasses = ["urgent"],
            CpuPercent = 12.34, SharePercent = 50, WeightPercent = 50, Exits = 17, TotalExits = 18, LatencyP999Ns = 93_100, LatencyMaxNs = 1_234_567, WorstBoundNs = long.MaxValue,
        };
        string head = StatusTable.Head(width);
        string row = StatusTable.Row(status, width);

        Assert.InRange(head.Length, 1, width);
        Assert.Equal(head.Length, row.Length);
        Assert.Equal(all, head.Contains("EXITS/S", StringComparison.Ordinal));
        Assert.Equal(
            all
                ? ["control", "exited(137)", "urgent", "12.3", "50.0", "50.0", "17", "-", "94us", "1.24ms", "none", "2", "1.2m"]
                : ["control", "exited(137)", "urgent", "12.3", "94us", "1.24ms", "none", "1.2m"],
            row.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
