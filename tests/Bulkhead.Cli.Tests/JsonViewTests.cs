using System.Text;
using System.Text.Json;
using Bulkhead.Cli.Control;
using Bulkhead.Cli.Systems;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class JsonViewTests
{
    [Fact]
    public void Records_LongOrShort_AreOneLineAndOneWriteEach()
    {
        using var output = new RecordingStream();
        var view = new JsonView(output);
        DomainStatus[] domains = [.. Enumerable.Range(0, 100).Select(Status)];

        view.Tick(1.5, domains);
        view.Line("box", "\"ä\"");
        view.End(3, domains[..1], stateHash: null);

        Assert.Equal(
            [
                Line(new SystemRecord { Type = "status", Seconds = 1.5, Domains = domains }),
                Line(new SystemRecord { Type = "line", Domain = "box", Text = "\"ä\"" }),
                Line(new SystemRecord { Type = "end", ExitCode = 3, Domains = domains[..1] }),
            ],
            output.Writes);
    }

    private static string Line(SystemRecord record) => JsonSerializer.Serialize(record, ControlJson.Default.SystemRecord) + "\n";

    private static DomainStatus Status(int number) => new()
    {
        Name = $"box-{number}", State = "running", Seconds = 1, Restarts = 0, Pool = "p", Vcpus = 1, MemoryBytes = 1 << 28, Weight = 1, WarpNs = 0,
        CpuPercent = 1.25, SharePercent = 1, WeightPercent = 1, Exits = 1, TotalExits = 1,
    };

    private sealed class RecordingStream : MemoryStream
    {
        internal List<string> Writes { get; } = [];

        public override void Write(ReadOnlySpan<byte> buffer) => Writes.Add(Encoding.UTF8.GetString(buffer));

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
    }
}
