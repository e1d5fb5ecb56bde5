using System.Net.Sockets;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Virtio.Vsock;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Vsock;

/// <summary>VIRTIO 1.2, 5.10.6.3 Buffer Space Management; and guests that do not heed it.</summary>
public sealed class VsockCreditTests : IDisposable
{
    private const uint Port = 52;

    private readonly VsockRig _rig = new();
    private readonly Socket _listener;
    private Socket? _host;

    public VsockCreditTests() => _listener = _rig.Listen(Port);

    public void Dispose()
    {
        _host?.Dispose();
        _listener.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public void S5_10_6_3_Guest_IsSentNoMoreThanItBuffers()
    {
        _rig.BufferSize = 100;
        _host = _rig.ConnectOut(_listener, Port);
        _host.Send(new byte[250]);
        _rig.Work();

        Assert.Equal(100, _rig.Take()?.Data.Length);
        _rig.Expect(VsockOperation.CreditRequest);
        Assert.Null(_rig.Take());

        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: 60));
        Assert.Equal(60, _rig.Take()?.Data.Length);
        _rig.Expect(VsockOperation.CreditRequest);
        _rig.BufferSize = 200;
        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: 160));
        Assert.Equal(90, _rig.Take()?.Data.Length);
        Assert.Null(_rig.Take());
    }

    [Fact]
    public void S5_10_6_3_Guest_ShrinksItsBuffer_IsSentNothingUntilItFits()
    {
        _rig.BufferSize = 100;
        _host = _rig.ConnectOut(_listener, Port);
        _host.Send(new byte[250]);
        _rig.Work();
        Assert.Equal(100, _rig.Take()?.Data.Length);
        _rig.Expect(VsockOperation.CreditRequest);

        _rig.BufferSize = 50;
        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: 50));
        Assert.Null(_rig.Take());
        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: 51));

        Assert.Equal(1, _rig.Take()?.Data.Length);
    }

    [Fact]
    public void S5_10_6_3_CreditRequest_IsAnswered()
    {
        _host = _rig.ConnectOut(_listener, Port);
        _rig.SendData(Port, [1, 2, 3]);

        _rig.Send(_rig.Packet(VsockOperation.CreditRequest, Port));

        Assert.Equal((3u, (uint)ByteRing.Capacity), Credit(_rig.Expect(VsockOperation.CreditUpdate)));
    }

    [Fact]
    public void S5_10_6_3_Guest_LearnsOfItsCreditWithoutAsking()
    {
        _host = _rig.ConnectOut(_listener, Port);

        _rig.SendData(Port, new byte[ByteRing.Capacity]); // a whole buffer, which the socket takes

        Assert.Equal((uint)ByteRing.Capacity, _rig.Expect(VsockOperation.CreditUpdate).ForwardedBytes);
    }

    [Fact]
    public void S5_10_6_3_Counts_GoRound()
    {
        _host = _rig.ConnectOut(_listener, Port);
        byte[] data = new byte[ByteRing.Capacity];
        byte[] sink = new byte[ByteRing.Capacity];
        uint forwarded = 0;
        for (long sent = 0; sent < (1L << 32) + data.Length; sent += data.Length)
        {
            _rig.SendData(Port, data);
            for (int got = 0; got < data.Length;)
            {
                got += _host.Receive(sink.AsSpan(got));
            }

            forwarded = _rig.Expect(VsockOperation.CreditUpdate).ForwardedBytes;
        }

        Assert.Equal((uint)data.Length, forwarded);
        Assert.Equal(0, _rig.Endpoint.Counters.ConnectionsBroken);
    }

    [Fact]
    public void Guest_SendsMoreThanItMay_IsReset()
    {
        _host = _rig.ConnectOut(_listener, Port);
        uint sent = 0;
        uint forwarded = 0;
        while (_rig.Endpoint.Counters.ConnectionsBroken == 0)
        {
            bool may = sent - forwarded <= ByteRing.Capacity - 4096;
            _rig.SendData(Port, new byte[may ? 4096 : 4097]); // the host reads nothing
            sent += 4096;
            Assert.Equal(may ? 0 : 1, _rig.Endpoint.Counters.ConnectionsBroken);
            while (may && _rig.Take() is { } taken)
            {
                forwarded = taken.Packet.ForwardedBytes;
            }
        }

        _rig.Expect(VsockOperation.Reset);
        Assert.Equal(0, _rig.Endpoint.Counters.Connections);
    }

    [Theory]
    [InlineData(4u)] // more than it was sent
    [InlineData(0x8000_0000u)]
    [InlineData(uint.MaxValue)]
    public void Guest_ForwardedWhatItNeverGot_IsReset(uint forwarded)
    {
        _host = _rig.ConnectOut(_listener, Port);
        _host.Send([1, 2, 3]);
        _rig.Work();
        Assert.Equal(3, _rig.Take()?.Data.Length);

        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: forwarded));

        _rig.Expect(VsockOperation.Reset);
        Assert.Equal(1, _rig.Endpoint.Counters.ConnectionsBroken);
    }

    [Fact]
    public void Guest_TakesBackWhatItForwarded_IsReset()
    {
        _host = _rig.ConnectOut(_listener, Port);
        _host.Send([1, 2, 3]);
        _rig.Work();
        Assert.Equal(3, _rig.Take()?.Data.Length);
        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: 3));

        _rig.Send(_rig.Packet(VsockOperation.CreditUpdate, Port, forwarded: 2));

        _rig.Expect(VsockOperation.Reset);
    }

    [Theory]
    [InlineData(VsockOperation.Invalid)]
    [InlineData(VsockOperation.Request)]
    [InlineData(VsockOperation.Response)]
    [InlineData((VsockOperation)8)]
    public void Guest_SaysWhatHasNoPlaceHere_IsReset(VsockOperation operation)
    {
        _host = _rig.ConnectOut(_listener, Port);

        _rig.Send(_rig.Packet(operation, Port));

        _rig.Expect(VsockOperation.Reset);
        Assert.Equal(0, _rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void Guest_SendsBehindItsEnd_IsReset()
    {
        _host = _rig.ConnectOut(_listener, Port);
        _rig.Send(_rig.Packet(VsockOperation.Shutdown, Port, flags: (uint)VsockShutdown.Send));

        _rig.SendData(Port, [1]);

        _rig.Expect(VsockOperation.Reset);
    }

    [Fact]
    public void Guest_SaysMoreBytesThanThereAre_IsReset()
    {
        _host = _rig.ConnectOut(_listener, Port);

        _rig.Send(_rig.Packet(VsockOperation.ReadWrite, Port, length: 5), [1, 2, 3, 4]);

        _rig.Expect(VsockOperation.Reset);
    }

    [Fact]
    public void S5_10_6_4_UnknownType_IsResetWithIt()
    {
        _rig.Send(_rig.Packet(VsockOperation.Request, Port) with { Type = 2 });

        Assert.Equal(2, _rig.Expect(VsockOperation.Reset).Type);
    }

    [Fact]
    public void Guest_SpeaksForAnother_IsNotHeard()
    {
        _rig.Send(_rig.Packet(VsockOperation.Request, Port) with { SourceCid = 9 });

        Assert.Null(_rig.Take());
        Assert.Equal(0, _rig.Endpoint.Counters.Connections);
    }

    [Fact]
    public void Guest_ResetsWhatIsNot_IsNotAnswered()
    {
        _rig.Send(_rig.Packet(VsockOperation.Reset, Port));

        Assert.Null(_rig.Take());
    }

    [Fact]
    public void Guest_ThatTakesNothing_IsHeardAgainWhenItDoes()
    {
        using var rig = new VsockRig(receives: false);
        const int many = 200;
        Gpa at = rig.Rig.Ram.Take(VsockHeader.Bytes);
        byte[] header = new byte[VsockHeader.Bytes];
        rig.Packet(VsockOperation.CreditUpdate, Port).Write(header);
        rig.Rig.Ram.Write(at, header);
        int heard = 0;
        for (int i = 0; i < many; i++)
        {
            rig.Transmit.Add(new Driver.Piece(at, VsockHeader.Bytes, false));
            rig.Driver.Notify(1);
            if (rig.Transmit.Take() is null)
            {
                break;
            }

            heard++;
        }

        Assert.InRange(heard, 1, many - 1); // what it is owed is bounded
        rig.Post(rig.Rig.Ram.Take(VsockRig.BufferBytes));
        rig.Driver.Notify(0);
        Assert.NotNull(rig.Transmit.Take());
        rig.Expect(VsockOperation.Reset);
    }

    private static (uint, uint) Credit(VsockPacket packet) => (packet.ForwardedBytes, packet.BufferBytes);
}
