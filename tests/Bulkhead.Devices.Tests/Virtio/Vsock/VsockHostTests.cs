using System.Net.Sockets;
using System.Text;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host.Files;
using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Vsock;

/// <summary>VIRTIO 1.2, 5.10: sockets between a guest and the host.</summary>
public sealed class VsockHostTests
{
    private const uint Port = 52;

    [Fact]
    public void Sockets_MoreThanGuestsMayHave_AreRefused_AndComeBack()
    {
        var descriptors = new DescriptorBudget(2);
        using var rig = new VsockRig(descriptors: descriptors);
        using Socket listener = rig.Listen(Port);
        using Socket first = rig.ConnectOut(listener, Port);
        using Socket second = rig.ConnectIn("CONNECT 7\n");
        rig.Expect(VsockOperation.Request);

        rig.Send(rig.Packet(VsockOperation.Request, Port, guestPort: 8));
        rig.Expect(VsockOperation.Reset);
        using Socket third = rig.ConnectIn("CONNECT 9\n");
        Assert.True(IsOver(third));
        Assert.Equal(2, rig.Endpoint.Counters.Refused);

        rig.Send(rig.Packet(VsockOperation.Reset, Port));
        Assert.False(descriptors.IsSpent);
        using Socket fourth = rig.ConnectIn("CONNECT 9\n");
        rig.Expect(VsockOperation.Request);
        Assert.True(descriptors.IsSpent);
    }

    [Fact]
    public void S5_10_4_Config_HasTheCid()
    {
        using var rig = new VsockRig(cid: 77);

        Assert.Equal(77ul, rig.Driver.Read(PciCapabilityKind.Device, 0, 8));
        Assert.NotEqual(0ul, rig.Driver.Offered & VsockFeatures.Stream);
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void S5_10_6_6_GuestConnects_BothWaysCarry(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        using var rig = new VsockRig(RingKinds.Features(packed, tables, eventIndex, inOrder));
        using Socket listener = rig.Listen(Port);
        using Socket host = rig.ConnectOut(listener, Port);

        rig.SendData(Port, [1, 2, 3]);
        Assert.Equal([1, 2, 3], VsockRig.ReadAll(host, 3));

        host.Send([4, 5]);
        rig.Work();
        (VsockPacket packet, byte[] data) = Assert.NotNull(rig.Take());
        Assert.Equal(VsockOperation.ReadWrite, packet.Operation);
        Assert.Equal((2ul, Port, VsockRig.GuestPort), (packet.SourceCid, packet.SourcePort, packet.DestinationPort));
        Assert.Equal(3u, packet.ForwardedBytes);
        Assert.Equal((uint)ByteRing.Capacity, packet.BufferBytes);
        Assert.Equal([4, 5], data);
        Assert.Null(rig.Take());
    }

    [Fact]
    public void S5_10_6_6_NobodyListens_IsReset()
    {
        using var rig = new VsockRig();

        rig.Send(rig.Packet(VsockOperation.Request, Port));

        VsockPacket reset = rig.Expect(VsockOperation.Reset);
        Assert.Equal((Port, VsockRig.GuestPort), (reset.SourcePort, reset.DestinationPort));
        Assert.Equal(1, rig.Endpoint.Counters.ConnectionsRefused);
        Assert.Equal(0, rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void HostConnects_IsAnsweredItsPort_AndWhatFollowsTheLineIsTheGuests()
    {
        using var rig = new VsockRig();
        using Socket host = rig.ConnectIn("CONNECT 80\nhello");

        VsockPacket request = rig.Expect(VsockOperation.Request);
        Assert.Equal((2ul, 80u), (request.SourceCid, request.DestinationPort));
        Assert.Null(rig.Take()); // no data before it is accepted
        rig.Send(rig.Packet(VsockOperation.Response, request.SourcePort, guestPort: 80));

        string answer = $"OK {request.SourcePort}\n";
        Assert.Equal(answer, Encoding.ASCII.GetString(VsockRig.ReadAll(host, answer.Length)));
        Assert.Equal("hello"u8.ToArray(), rig.Take()?.Data);
        rig.Send(rig.Packet(VsockOperation.ReadWrite, request.SourcePort, forwarded: 5, length: 1, guestPort: 80), [9]);
        Assert.Equal([9], VsockRig.ReadAll(host, 1));
    }

    [Fact]
    public void HostConnects_InPieces_IsUnderstood()
    {
        using var rig = new VsockRig();
        using Socket host = rig.ConnectIn("CONN");
        Assert.Null(rig.Take());

        host.Send("ECT 7\n"u8);
        rig.Work();

        Assert.Equal(7u, rig.Expect(VsockOperation.Request).DestinationPort);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("CONNECT x\n")]
    [InlineData("CONNECT 4294967296\n")]
    [InlineData("CONNECT 1 2\n")]
    [InlineData("CONNECT 000000000000000000000000000000000000001\n")]
    public void HostSaysSomethingElse_IsHungUp(string line)
    {
        using var rig = new VsockRig();
        using Socket host = rig.ConnectIn(line);

        Assert.True(IsOver(host));
        Assert.Null(rig.Take());
        Assert.Equal(0, rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void HostConnects_GuestRefuses_IsHungUp()
    {
        using var rig = new VsockRig();
        using Socket host = rig.ConnectIn("CONNECT 80\n");
        VsockPacket request = rig.Expect(VsockOperation.Request);

        rig.Send(rig.Packet(VsockOperation.Reset, request.SourcePort, guestPort: 80));

        Assert.True(IsOver(host));
        Assert.Equal(1, rig.Endpoint.Counters.ConnectionsRefused);
    }

    [Fact]
    public void S5_10_6_6_GuestEndsSending_HostSeesTheEnd_AndMayAnswer()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        using Socket host = rig.ConnectOut(listener, Port);
        rig.SendData(Port, [7]);

        rig.Send(rig.Packet(VsockOperation.Shutdown, Port, flags: (uint)VsockShutdown.Send));

        Assert.Equal([7], VsockRig.ReadAll(host, 1));
        Assert.Equal(0, host.Receive(new byte[1]));
        host.Send([8]);
        rig.Work();
        Assert.Equal([8], rig.Take()?.Data);
        host.Shutdown(SocketShutdown.Send);
        rig.Work();
        Assert.NotEqual(0u, rig.Expect(VsockOperation.Shutdown).Flags & (uint)VsockShutdown.Send);
        rig.Send(rig.Packet(VsockOperation.Shutdown, Port, flags: (uint)VsockShutdown.Both, forwarded: 1));
        rig.Expect(VsockOperation.Reset);
        Assert.Equal(0, rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void S5_10_6_6_GuestEndsBoth_IsReset_AndWhatItSentStillArrives()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        using Socket host = rig.ConnectOut(listener, Port);
        byte[] data = new byte[4096];
        new Random(3).NextBytes(data);
        uint sent = 0;
        for (uint forwarded = 0; sent - forwarded <= ByteRing.Capacity - (uint)data.Length;) // until the socket is full, and then the ring
        {
            rig.SendData(Port, data);
            sent += (uint)data.Length;
            while (rig.Take() is { } update)
            {
                forwarded = update.Packet.ForwardedBytes;
            }
        }

        rig.Send(rig.Packet(VsockOperation.Shutdown, Port, flags: (uint)VsockShutdown.Both));
        rig.Expect(VsockOperation.Reset);
        Assert.Equal(1, rig.Endpoint.Counters.Connections); // it lingers

        byte[] piece = new byte[1 << 16];
        long got = 0;
        while (got < sent)
        {
            int count = host.Receive(piece);
            Assert.NotEqual(0, count);
            for (int i = 0; i < count; i++, got++)
            {
                Assert.Equal(data[got % data.Length], piece[i]);
            }

            rig.Work();
        }

        Assert.Equal(0, host.Receive(piece));
        rig.Work();
        Assert.Equal(0, rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void S5_10_6_6_HostCloses_GuestGetsTheDataAndThenTheEndOfBoth()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        Socket host = rig.ConnectOut(listener, Port);
        host.Send([1, 2]);
        host.Dispose();
        rig.Work();

        var flags = VsockShutdown.None;
        byte[] data = [];
        while (rig.Take() is { } taken)
        {
            Assert.True(taken.Packet.Operation is VsockOperation.ReadWrite or VsockOperation.Shutdown);
            Assert.True(taken.Packet.Operation != VsockOperation.ReadWrite || (flags & VsockShutdown.Send) == 0, "data behind the end");
            flags |= (VsockShutdown)taken.Packet.Flags;
            data = [.. data, .. taken.Data];
        }

        Assert.Equal([1, 2], data);
        Assert.Equal(VsockShutdown.Both, flags);
        rig.SendData(Port, [1], forwarded: 2); // on its way when the end came: nobody takes it
        rig.Send(rig.Packet(VsockOperation.Reset, Port));
        Assert.Null(rig.Take());
        Assert.Equal(0, rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void S5_10_6_7_Restored_TellsThatTheTransportWasReset()
    {
        using var rig = new VsockRig(starts: false);
        Assert.True(rig.Driver.Negotiate(RingKinds.Split));
        _ = rig.Driver.Open(0, 8);
        _ = rig.Driver.Open(1, 8);
        DriverQueue events = rig.Driver.Open(2, 8);
        rig.Driver.Ready();
        rig.Rig.Pci.Function.Pause();
        rig.Device.Restore(new StateReader(ReadOnlyMemory<byte>.Empty));
        rig.Rig.Pci.Function.Resume();
        Gpa at = rig.Rig.Ram.Put([9, 9, 9, 9]);
        events.Add(new Piece(at, 4, true));
        rig.Driver.Notify(2);

        Assert.Equal(4u, events.Take()?.Written);
        Assert.Equal(VsockEvent.TransportReset, rig.Rig.Ram.Read32(at));
    }

    [Fact]
    public void Reset_EndsWhatTheDriverHad()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        using Socket host = rig.ConnectOut(listener, Port);

        rig.Driver.Reset();

        Assert.True(IsOver(host));
        Assert.Equal(0, rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void Pause_KeepsWhatTheDriverHas()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        using Socket host = rig.ConnectOut(listener, Port);
        rig.Rig.Pci.Function.Pause();
        host.Send([6]);
        rig.Work(); // news that comes while it is held

        rig.Rig.Pci.Function.Resume();

        Assert.Equal([6], rig.Take()?.Data);
    }

    [Fact]
    public void Connections_AreSoManyAndNoMore()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        var hosts = new List<Socket>();
        for (uint i = 0; i < VsockEndpoint.MostConnections; i++)
        {
            hosts.Add(rig.ConnectOut(listener, Port, guestPort: 2000 + i));
        }

        rig.Send(rig.Packet(VsockOperation.Request, Port));
        rig.Expect(VsockOperation.Reset);

        rig.Send(rig.Packet(VsockOperation.Reset, Port, guestPort: 2000));
        hosts.Add(rig.ConnectOut(listener, Port));
        hosts.ForEach(static h => h.Dispose());
    }

    [Fact]
    public void ConnectionsThatComeAndGo_ShareTheirBuffers()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        const int many = 50;
        long before = 0;
        for (int i = 0; i < many; i++)
        {
            using Socket host = rig.ConnectOut(listener, Port);
            rig.SendData(Port, [(byte)i]);
            Assert.Equal([(byte)i], VsockRig.ReadAll(host, 1));
            rig.Send(rig.Packet(VsockOperation.Reset, Port));
            before = i == 0 ? GC.GetAllocatedBytesForCurrentThread() : before;
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, many * ByteRing.Capacity / 2);
    }

    [Fact]
    public void OnAThread_TheHostIsHeardByItself()
    {
        using PollSet set = new();
        using var rig = new VsockRig(set: set, executor: new PollExecutor("test vsock", set.Handle) { Interest = PollEvents.Readable });
        using var host = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        host.Connect(new UnixDomainSocketEndPoint(rig.HostPath));
        host.Send("CONNECT 80\n"u8);

        VsockPacket request = rig.Await(VsockOperation.Request);
        rig.SendLater(rig.Packet(VsockOperation.Response, request.SourcePort, guestPort: 80));
        string answer = $"OK {request.SourcePort}\n";
        Assert.Equal(answer, Encoding.ASCII.GetString(VsockRig.ReadAll(host, answer.Length)));
        host.Send([1, 2, 3]);
        Assert.Equal(3u, rig.Await(VsockOperation.ReadWrite).Length);
        host.Send([4]);
        Assert.Equal(1u, rig.Await(VsockOperation.ReadWrite).Length);
    }

    [Fact]
    public void Packets_AllocateNothing()
    {
        using var rig = new VsockRig();
        using Socket listener = rig.Listen(Port);
        using Socket host = rig.ConnectOut(listener, Port);
        Gpa at = rig.Rig.Ram.Take(VsockHeader.Bytes + 1000);
        byte[] header = new byte[VsockHeader.Bytes];
        rig.Packet(VsockOperation.ReadWrite, Port, length: 1000).Write(header);
        rig.Rig.Ram.Write(at, header);
        byte[] data = new byte[1000];
        long least = long.MaxValue;
        for (int round = 0; round < 8; round++)
        {
            long sum = 0;
            for (int i = 0; i < 8; i++)
            {
                rig.Transmit.Add(new Piece(at, VsockHeader.Bytes + 1000, false));
                host.Send(data);
                long before = GC.GetAllocatedBytesForCurrentThread();
                rig.Work();
                sum += GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.NotNull(rig.Transmit.Take());
                VsockRig.ReadAll(host, 1000);
                while (rig.Take() is not null)
                {
                }
            }

            least = Math.Min(least, sum);
        }

        Assert.Equal(0, least);
        Assert.Equal(64 * 1000, rig.Endpoint.Counters.BytesSent);
        Assert.Equal(64 * 1000, rig.Endpoint.Counters.BytesReceived);
    }

    private static bool IsOver(Socket socket)
    {
        try
        {
            return socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
