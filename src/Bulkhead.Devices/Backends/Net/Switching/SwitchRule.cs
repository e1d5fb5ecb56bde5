using Bulkhead.Devices.Backends.Limits;

namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>Which frames may pass from whom to whom, or must not.</summary>
/// <param name="From">The number of the member that sends; null: any.</param>
/// <param name="To">The number of the member that receives; null: any.</param>
/// <param name="Kind">What the frames are; null: anything.</param>
/// <param name="FirstPort">With TCP and UDP: the first of the ports they go to.</param>
/// <param name="LastPort">The last of them.</param>
/// <param name="Denies">Whether they are dropped.</param>
/// <param name="Limit">How much of each sender's, and of each who answers, may pass; the rest is dropped.</param>
public sealed record SwitchRule(int? From, int? To, FrameKind? Kind, ushort FirstPort, ushort LastPort, bool Denies, RateLimit Limit)
{
    private bool NamesPorts => FirstPort != 0 || LastPort != ushort.MaxValue;

    /// <summary>Whether it speaks of the two.</summary>
    internal bool Concerns(int from, int to) => (From ?? from) == from && (To ?? to) == to;

    /// <summary>Whether it speaks of the frame. Where a fragment does not say, one that denies does, and one that allows does not.</summary>
    internal bool Matches(in FrameFacts facts) =>
        ((Kind ?? facts.Kind) == facts.Kind || (Denies && facts.HidesKind))
        && (!NamesPorts || (facts.HasPorts ? facts.DestinationPort >= FirstPort && facts.DestinationPort <= LastPort : Denies && facts.IsFragment));
}
