using Bulkhead.Core.Time;

namespace Bulkhead.Machine.Tests.Tracing;

/// <summary>A clock that stands.</summary>
internal sealed class StillClock : IClock
{
    public long NowNs => 1;

    public ulong GuestTsc => 1;

    public ulong TscHz => 1_000_000_000;

    public long WhenTsc(ulong guestTsc) => 1;
}
