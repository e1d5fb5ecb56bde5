namespace Bulkhead.Devices.Tests.Net.Switching;

public enum PacketKind
{
    Tcp,
    Udp,
    Echo,
    EchoReply,
    Unreachable,
    OtherIp,
    Neighbor,
    Other,
}
