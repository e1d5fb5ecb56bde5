namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>What a domain's sockets did.</summary>
/// <remarks><i>Threading</i>: the device's executor writes, any thread reads.</remarks>
public sealed class VsockCounters
{
    internal long PacketsOut;
    internal long PacketsIn;
    internal long BytesOut;
    internal long BytesIn;
    internal long Opened;
    internal long Refused;
    internal long Broken;
    internal long Open;

    /// <summary>Packets of the guest.</summary>
    public long PacketsSent => Volatile.Read(ref PacketsOut);

    /// <summary>Packets to the guest.</summary>
    public long PacketsReceived => Volatile.Read(ref PacketsIn);

    /// <summary>Bytes of data of the guest.</summary>
    public long BytesSent => Volatile.Read(ref BytesOut);

    /// <summary>Bytes of data to the guest.</summary>
    public long BytesReceived => Volatile.Read(ref BytesIn);

    /// <summary>Connections that both sides agreed to.</summary>
    public long ConnectionsOpened => Volatile.Read(ref Opened);

    /// <summary>Connections that were asked for and came to nothing.</summary>
    public long ConnectionsRefused => Volatile.Read(ref Refused);

    /// <summary>Connections that ended because the guest broke the rules.</summary>
    public long ConnectionsBroken => Volatile.Read(ref Broken);

    /// <summary>Connections there are, those that begin and end as well.</summary>
    public long Connections => Volatile.Read(ref Open);

    /// <summary>All of them, by name.</summary>
    public IReadOnlyList<(string Name, long Count)> Table() =>
    [
        ("packets sent", PacketsSent), ("packets received", PacketsReceived), ("bytes sent", BytesSent), ("bytes received", BytesReceived),
        ("opened", ConnectionsOpened), ("refused", ConnectionsRefused), ("broken", ConnectionsBroken), ("open now", Connections),
    ];
}
