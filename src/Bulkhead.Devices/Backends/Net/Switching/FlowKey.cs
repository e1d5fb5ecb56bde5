namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>A conversation, seen from who began it.</summary>
internal readonly record struct FlowKey(UInt128 Near, UInt128 Far, ushort NearPort, ushort FarPort, byte Kind, byte Peer)
{
    private const byte Ip6 = 0x80;

    /// <summary>That of a frame sent to a member.</summary>
    internal static FlowKey Outward(in FrameFacts f, int peer) =>
        new(f.SourceAddress, f.DestinationAddress, f.SourcePort, f.DestinationPort, KindOf(f), (byte)peer);

    /// <summary>That which a frame of a member answers.</summary>
    internal static FlowKey Inward(in FrameFacts f, int peer) =>
        new(f.DestinationAddress, f.SourceAddress, f.DestinationPort, f.SourcePort, KindOf(f), (byte)peer);

    /// <summary>A number that spreads: all of it reaches the highest bits, which are the ones to use.</summary>
    internal ulong Hash()
    {
        ulong mixed = (ulong)Near ^ ((ulong)(Near >> 64) * 3) ^ ((ulong)Far * 5) ^ ((ulong)(Far >> 64) * 7)
            ^ ((ulong)NearPort << 40) ^ ((ulong)FarPort << 24) ^ ((ulong)Kind << 8) ^ Peer;
        mixed ^= mixed >> 32;
        return mixed * 0x9E37_79B9_7F4A_7C15;
    }

    private static byte KindOf(in FrameFacts f) => (byte)((byte)f.Kind | (f.IsIp6 ? Ip6 : 0));
}
