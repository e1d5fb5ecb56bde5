using System.Text;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Domains;

public sealed class PanicWatcherTests
{
    [Theory]
    [InlineData("[ 1.0] Kernel panic - not syncing: Attempted to kill init!\r\nmore", "|Attempted to kill init!")]
    [InlineData("KernelKernel panic - not syncing: x\n", "|x")]
    [InlineData("Kernel panic - not syncing", "")]
    [InlineData("Kernel panic - not synching: no\n", null)]
    public void Write_Output_NotesThePanic(string text, string? expected)
    {
        var output = new StringBuilder();
        List<string> noted = [];
        var watcher = new PanicWatcher(data => output.Append(Encoding.UTF8.GetString(data)), noted.Add);

        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            watcher.Write([b]);
        }

        Assert.Equal(text, output.ToString());
        Assert.Equal(expected, noted.Count == 0 ? null : string.Join('|', noted));
    }

    [Fact]
    public void Write_EndlessPanicLine_IsCut()
    {
        List<string> noted = [];
        var watcher = new PanicWatcher(static _ => { }, noted.Add);

        watcher.Write(Encoding.UTF8.GetBytes("Kernel panic - not syncing: " + new string('x', 10_000)));

        Assert.InRange(noted[^1].Length, 100, 200);
    }
}
