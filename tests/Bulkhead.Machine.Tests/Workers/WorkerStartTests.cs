using System.Diagnostics;
using Bulkhead.Host;
using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>What the host refuses a worker's thread, who starts it is told.</summary>
public sealed class WorkerStartTests
{
    [Fact]
    public void TimerThatIsRefused_IsWhatStartThrows()
    {
        var options = new WorkerOptions(Stopwatch.GetTimestamp, static _ => throw new OperatorException("no timer"), new SpinThenSleep(0));
        using var worker = new PcpuWorker(-1, new BvtPolicy(200_000), options);

        Assert.Equal("no timer", Assert.Throws<OperatorException>(worker.Start).Message);
    }
}
