namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>What a frame is to the rules of a network.</summary>
public enum FrameKind
{
    /// <summary>What follows does not name.</summary>
    Other,

    /// <summary>Who has which address: ARP, neighbor solicitation, neighbor advertisement.</summary>
    Neighbor,

    /// <summary>TCP.</summary>
    Tcp,

    /// <summary>UDP.</summary>
    Udp,

    /// <summary>ICMP and ICMPv6, but for neighbors, routers and redirects.</summary>
    Icmp,
}
