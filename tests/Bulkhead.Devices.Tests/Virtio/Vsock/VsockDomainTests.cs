using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Vsock;

/// <summary>Sockets between domains, which lead only where that was allowed.</summary>
public sealed class VsockDomainTests : IDisposable
{
    private const uint Port = 90;

    private readonly VsockRig _client = new(cid: 4);
    private readonly CountingExecutor _servers = new();
    private readonly VsockRig _server;

    public VsockDomainTests()
    {
        _server = new VsockRig(cid: 5, executor: _servers);
        _client.Endpoint.Allow(_server.Endpoint);
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
        _servers.Dispose();
    }

    [Fact]
    public void Connection_CarriesBothWays()
    {
        Connect();

        _client.SendData(Port, [1, 2], cid: 5);
        Assert.Equal([1, 2], _server.Take()?.Data);
        Answer(VsockOperation.ReadWrite, [3], forwarded: 2);
        Assert.Equal([3], _client.Take()?.Data);
    }

    [Fact]
    public void OtherDirection_WasNotAllowed_IsReset()
    {
        _server.Send(_server.Packet(VsockOperation.Request, Port, cid: 4));

        _server.Expect(VsockOperation.Reset);
        Assert.Null(_client.Take());
    }

    [Theory]
    [InlineData(4ul)] // itself
    [InlineData(6ul)]
    [InlineData(0ul)]
    [InlineData(1ul)]
    [InlineData(0x1_0000_0005ul)]
    public void Stranger_IsReset(ulong cid)
    {
        _client.Send(_client.Packet(VsockOperation.Request, Port, cid));

        _client.Expect(VsockOperation.Reset);
        Assert.Null(_server.Take());
    }

    [Fact]
    public void Peer_WithoutADriver_IsReset()
    {
        _server.Driver.Reset();

        _client.Send(_client.Packet(VsockOperation.Request, Port, cid: 5));

        _client.Expect(VsockOperation.Reset);
        Assert.Equal(0, _client.Endpoint.Counters.Connections);
    }

    [Fact]
    public void Peer_Refuses_IsReset()
    {
        _client.Send(_client.Packet(VsockOperation.Request, Port, cid: 5));
        _server.Expect(VsockOperation.Request);
        Assert.Null(_client.Take());

        Answer(VsockOperation.Reset, []);

        _client.Expect(VsockOperation.Reset);
        Assert.Equal(0, _client.Endpoint.Counters.Connections);
        Assert.Equal(0, _server.Endpoint.Counters.Connections);
    }

    [Fact]
    public void Peer_IsReset_TheOtherHearsOfIt()
    {
        Connect();

        _server.Driver.Reset();

        _client.Expect(VsockOperation.Reset);
        Assert.Equal(0, _client.Endpoint.Counters.Connections);
        Assert.Equal(0, _server.Endpoint.Counters.Connections);
    }

    [Fact]
    public void S5_10_6_3_Credit_IsTheOthersToGive()
    {
        _server.BufferSize = 30_000;
        Connect();
        byte[] data = new byte[4096];
        new Random(2).NextBytes(data);
        for (int i = 0; i < ByteRing.Capacity / data.Length; i++)
        {
            _client.SendData(Port, data, cid: 5);
        }

        var got = new List<byte>();
        uint forwarded = 0;
        while (got.Count < ByteRing.Capacity)
        {
            int before = got.Count;
            while (_server.Take() is { } taken)
            {
                got.AddRange(taken.Data);
            }

            Assert.InRange(got.Count - before, 1, 30_000);
            while (_client.Take() is { } update)
            {
                forwarded = update.Packet.ForwardedBytes;
                Assert.InRange(forwarded, 0u, (uint)got.Count);
            }

            Answer(VsockOperation.CreditUpdate, [], forwarded: (uint)got.Count);
        }

        while (_client.Take() is { } update)
        {
            forwarded = update.Packet.ForwardedBytes;
        }

        Assert.InRange(forwarded, ByteRing.Capacity - (ByteRing.Capacity / 4u), (uint)ByteRing.Capacity);
        for (int i = 0; i < got.Count; i++)
        {
            Assert.Equal(data[i % data.Length], got[i]);
        }
    }

    [Fact]
    public void BothWithoutCredit_StandStill()
    {
        (_client.BufferSize, _server.BufferSize) = (0, 0);
        Connect();
        _client.SendData(Port, [1], cid: 5);
        Answer(VsockOperation.ReadWrite, [2]);
        int rings = _servers.Rings;

        _client.Work();

        Assert.Equal(rings, _servers.Rings);
    }

    [Fact]
    public void ConnectionsThatComeAndGo_UseTheSameRings()
    {
        const int count = 500;
        AskAndReset(20);
        long before = GC.GetAllocatedBytesForCurrentThread();

        AskAndReset(count);

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / count, 0, ByteRing.Capacity / 4);
        Assert.Equal(0, _client.Endpoint.Counters.Connections);
        Assert.Equal(0, _server.Endpoint.Counters.Connections);
        Connect();
        _client.SendData(Port, [1, 2], cid: 5);
        Assert.Equal([1, 2], _server.Take()?.Data);
    }

    [Fact]
    public void DataOfAConnectionThatIsOver_IsItsOwn()
    {
        Connect();
        _server.BufferSize = 0; // it waits
        Answer(VsockOperation.CreditUpdate, []);
        _client.SendData(Port, [5, 6], cid: 5);
        _client.Send(_client.Packet(VsockOperation.Shutdown, Port, cid: 5, flags: (uint)VsockShutdown.Both));
        _client.Expect(VsockOperation.Reset);
        Assert.Equal(0, _client.Endpoint.Counters.Connections);

        _client.Send(_client.Packet(VsockOperation.Request, Port, cid: 5, guestPort: 7));
        _server.Send(_server.Packet(VsockOperation.Response, 7, cid: 4, guestPort: Port));
        _client.SendData(Port, [7], cid: 5, guestPort: 7);
        _server.BufferSize = 1 << 20;
        Answer(VsockOperation.CreditUpdate, []);
        _server.Send(_server.Packet(VsockOperation.CreditUpdate, 7, cid: 4, guestPort: Port));

        var got = new Dictionary<uint, byte[]>();
        while (_server.Take() is { } taken)
        {
            if (taken.Packet.Operation == VsockOperation.ReadWrite)
            {
                got.Add(taken.Packet.SourcePort, taken.Data);
            }
        }

        Assert.Equal([5, 6], got[VsockRig.GuestPort]);
        Assert.Equal([7], got[7]);
    }

    [Fact]
    public void Peer_ThatIsHeld_IsAskedSoOftenAndNoMore()
    {
        const int count = 3 * VsockEndpoint.MostConnections;
        _servers.Holds = true;

        AskAndReset(count);

        Assert.InRange(_client.Endpoint.Counters.Refused, 1, count - 1);
        _servers.Holds = false;
        _server.Work();
        Connect();
    }

    [Fact]
    public void OnThreads_NothingIsLost()
    {
        const int total = 4 << 20;
        using PollSet first = new();
        using PollSet second = new();
        using var client = new VsockRig(cid: 14, set: first, executor: new PollExecutor("test client", first.Handle) { Interest = PollEvents.Readable });
        using var server = new VsockRig(cid: 15, set: second, executor: new PollExecutor("test server", second.Handle) { Interest = PollEvents.Readable });
        client.Endpoint.Allow(server.Endpoint);
        client.SendLater(client.Packet(VsockOperation.Request, Port, cid: 15));
        server.Await(VsockOperation.Request);
        VsockPacket answer = server.Packet(VsockOperation.Response, VsockRig.GuestPort, cid: 14, guestPort: Port);
        server.SendLater(answer);
        client.Await(VsockOperation.Response);
        uint sent = 0;
        uint forwarded = 0;
        uint got = 0;
        byte[] data = new byte[4096];
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                if (sent < total && sent - forwarded <= ByteRing.Capacity - (uint)data.Length)
                {
                    data.AsSpan().Fill((byte)(sent >> 12));
                    client.SendLater(client.Packet(VsockOperation.ReadWrite, Port, cid: 15, length: (uint)data.Length), data);
                    sent += (uint)data.Length;
                }

                while (client.Take() is { } update)
                {
                    Assert.Equal(VsockOperation.CreditUpdate, update.Packet.Operation);
                    forwarded = update.Packet.ForwardedBytes;
                }

                while (server.Take() is { } taken)
                {
                    foreach (byte value in taken.Data)
                    {
                        Assert.Equal((byte)(got++ >> 12), value);
                    }
                }

                if ((got & 0xFFFF) == 0)
                {
                    server.SendLater(answer with { Operation = VsockOperation.CreditUpdate, ForwardedBytes = got });
                }

                return got == total;
            },
            60_000));
    }

    [Fact]
    public void S5_10_6_6_ClientEndsBoth_ServerGetsTheDataAndThenTheEnd()
    {
        Connect();
        _client.SendData(Port, [5, 6], cid: 5);

        _client.Send(_client.Packet(VsockOperation.Shutdown, Port, cid: 5, flags: (uint)VsockShutdown.Both));

        _client.Expect(VsockOperation.Reset);
        Assert.Equal(0, _client.Endpoint.Counters.Connections);
        var flags = VsockShutdown.None;
        byte[] data = [];
        while (_server.Take() is { } taken)
        {
            data = [.. data, .. taken.Data];
            flags |= (VsockShutdown)taken.Packet.Flags;
        }

        Assert.Equal([5, 6], data);
        Assert.Equal(VsockShutdown.Both, flags);
        Answer(VsockOperation.Reset, [], forwarded: 2);
        Assert.Equal(0, _server.Endpoint.Counters.Connections);
    }

    [Fact]
    public void S5_10_6_6_ClientEndsSending_ServerMayAnswer()
    {
        Connect();
        _client.Send(_client.Packet(VsockOperation.Shutdown, Port, cid: 5, flags: (uint)VsockShutdown.Send));
        Assert.Equal((uint)VsockShutdown.Send, _server.Expect(VsockOperation.Shutdown).Flags);

        Answer(VsockOperation.ReadWrite, [1]);

        Assert.Equal([1], _client.Take()?.Data);
    }

    private void AskAndReset(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _client.Send(_client.Packet(VsockOperation.Request, Port, cid: 5));
            _client.Send(_client.Packet(VsockOperation.Reset, Port, cid: 5));
            while (_client.Take() is not null || _server.Take() is not null)
            {
            }
        }
    }

    private void Connect()
    {
        _client.Send(_client.Packet(VsockOperation.Request, Port, cid: 5));
        VsockPacket request = _server.Expect(VsockOperation.Request);
        Assert.Equal((4ul, VsockRig.GuestPort, Port), (request.SourceCid, request.SourcePort, request.DestinationPort));
        Assert.Null(_client.Take());
        Answer(VsockOperation.Response, []);
        _client.Expect(VsockOperation.Response);
    }

    private void Answer(VsockOperation operation, byte[] data, uint forwarded = 0) => _server.Send(
        _server.Packet(operation, VsockRig.GuestPort, cid: 4, forwarded: forwarded, length: (uint)data.Length, guestPort: Port), data);
}
