using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Tracing;
using Xunit;

namespace Bulkhead.Machine.Tests.Domains;

public sealed class DomainEndTests
{
    // No engine is attached, so that nothing can be read from the vCPU.
    [Fact]
    public void Crash_TheAutopsyThrows_EndsWithBothReasons()
    {
        using var domain = new Domain("broken", 1, new StillClock(), static _ => { });
        domain.Start();

        domain.Crash(ExitCodes.Engine, "a bug of ours", domain.Slots[0]);
        domain.OnParked();

        Assert.True(domain.IsOff);
        Assert.Equal(ExitCodes.Engine, domain.Result?.ExitCode);
        Assert.StartsWith("a bug of ours; where it was cannot be told: System.NullReferenceException", domain.Result?.Message, StringComparison.Ordinal);
    }
}
