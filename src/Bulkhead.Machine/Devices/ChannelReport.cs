using Bulkhead.Devices.Channels;

namespace Bulkhead.Machine.Devices;

/// <summary>What became of a channel so far.</summary>
/// <param name="Name">Its name.</param>
/// <param name="SizeBytes">How much memory it has.</param>
/// <param name="Doorbells">How many doorbells each member has.</param>
/// <param name="Members">Its members by number.</param>
public sealed record ChannelReport(string Name, ulong SizeBytes, int Doorbells, IReadOnlyList<ChannelMemberReport> Members)
{
    /// <summary>Reads the counters.</summary>
    internal static ChannelReport Of(ChannelRequest request, Channel channel) => new(
        request.Name,
        request.SizeBytes,
        request.Vectors,
        [
            .. channel.Members.Select(m => new ChannelMemberReport(
                request.Members[m.Number].Domain, m.Number, m.IsRevoked ? "revoked" : m.MayWrite ? "write" : "read", m.DoorbellsRung, m.DoorbellsTaken)),
        ]);
}
