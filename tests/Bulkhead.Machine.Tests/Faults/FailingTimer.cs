using Bulkhead.Core.Time;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>A timer with a bug.</summary>
internal sealed class FailingTimer : ITimerClient
{
    internal const string Words = "the timer of this test has a bug";

    public void OnTimer(long nowNs) => throw new InvalidOperationException(Words);
}
