namespace Bulkhead.Devices.Tests.Net.Switching;

internal enum PacketKind
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
