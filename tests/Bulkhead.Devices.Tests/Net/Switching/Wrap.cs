namespace Bulkhead.Devices.Tests.Net.Switching;

/// <summary>What may stand between a frame's addresses and the type of what it carries.</summary>
internal static class Wrap
{
    /// <summary>The tag of a VLAN; of number 0 it says a priority only.</summary>
    public static readonly byte[] Priority = [0x81, 0, 0xA0, 0];
    public static readonly byte[] Customer = [0x81, 0, 0, 5];
    public static readonly byte[] Service = [0x88, 0xA8, 0, 6];
    public static readonly byte[] OlderService = [0x91, 0, 0, 7];

    /// <summary>A length, LLC and SNAP, of RFC 1042 and of 802.1H.</summary>
    public static readonly byte[] Snap = [0, 80, 0xAA, 0xAA, 3, 0, 0, 0];
    public static readonly byte[] Tunnel = [0, 80, 0xAA, 0xAA, 3, 0, 0, 0xF8];

    /// <summary>Those that a network looks behind.</summary>
    public static readonly IReadOnlyList<IReadOnlyList<byte[]>> All =
    [
        [Priority], [Customer], [Service], [OlderService], [Snap], [Tunnel],
        [Service, Customer], [Priority, Snap], [Snap, Customer], [Service, Customer, Priority, Priority],
    ];

    /// <summary>One more than it looks behind.</summary>
    public static readonly IReadOnlyList<byte[]> TooMany = [Priority, Priority, Priority, Priority, Priority];
}
