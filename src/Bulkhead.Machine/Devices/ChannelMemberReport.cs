namespace Bulkhead.Machine.Devices;

/// <summary>A domain's part in a channel so far.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Number">Its number.</param>
/// <param name="Access"><c>write</c>, <c>read</c> or <c>revoked</c>.</param>
/// <param name="Rung">Doorbells it rang that reached somebody.</param>
/// <param name="Taken">Doorbells that reached it.</param>
public sealed record ChannelMemberReport(string Domain, int Number, string Access, long Rung, long Taken);
