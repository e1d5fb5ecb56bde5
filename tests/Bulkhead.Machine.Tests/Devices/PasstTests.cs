using System.Net;
using System.Net.Sockets;
using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Devices;

public sealed class PasstTests
{
    [Theory]
    [InlineData(false, "tcp")]
    [InlineData(true, "udp")]
    public void Start_PortThatAnotherHas_IsRefused(bool udp, string protocol)
    {
        using var other = new Socket(AddressFamily.InterNetwork, udp ? SocketType.Dgram : SocketType.Stream, udp ? ProtocolType.Udp : ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        if (!udp)
        {
            other.Listen();
        }

        ushort port = (ushort)((IPEndPoint)other.LocalEndPoint!).Port; // it is bound
        var request = new NetRequest { Forwards = [new PortForward(udp, IPAddress.Loopback, port, 22)] };

        OperatorException e = Assert.Throws<OperatorException>(() => Passt.Start(request, "box"));

        Assert.Equal($"{protocol} port {port} of 127.0.0.1 cannot lead to the guest's port 22: another process has it; forward another port.", e.Message);
    }
}
