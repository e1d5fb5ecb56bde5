using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class Serial16550Tests
{
    private readonly FakePins _pins = new();
    private readonly Sink _sink = new();
    private readonly Serial16550 _port;

    public Serial16550Tests() => _port = new Serial16550(_sink, _pins.Line(4));

    [Fact]
    public void Write_DataPort_ReachesSink()
    {
        foreach (byte b in "hello"u8)
        {
            _port.Out8(0, b);
        }

        Assert.Equal("hello"u8.ToArray(), _sink.Bytes);
        Assert.Equal(0x60, _port.In8(5));
    }

    [Fact]
    public void Linux_Autoconfig_Finds16550A()
    {
        _port.Out8(1, 0);
        Assert.Equal(0, _port.In8(1) & 0x0F);
        _port.Out8(1, 0xFF);
        Assert.Equal(0x0F, _port.In8(1));
        _port.Out8(1, 0);
        _port.Out8(4, 0x1A);
        Assert.Equal(0x90, _port.In8(6) & 0xF0);
        _port.Out8(4, 0x08);
        _port.Out8(2, 0x01);
        Assert.Equal(0xC1, _port.In8(2));
        _port.Out8(7, 0x5A);
        Assert.Equal(0x5A, _port.In8(7));
    }

    [Fact]
    public void TransmitInterrupt_EnabledTwice_RaisedTwice()
    {
        _port.Out8(1, 2);
        Assert.True(_pins.Levels[4]);
        Assert.Equal(0x02, _port.In8(2));
        Assert.False(_pins.Levels[4]);
        Assert.Equal(0x01, _port.In8(2));
        _port.Out8(1, 0);
        _port.Out8(1, 2);
        Assert.Equal(0x02, _port.In8(2));
    }

    [Fact]
    public void TransmitInterrupt_AfterWrite_RaisedAgain()
    {
        _port.Out8(1, 2);
        _port.In8(2);
        _port.Out8(0, 65);
        Assert.True(_pins.Levels[4]);
        Assert.Equal(0x02, _port.In8(2));
    }

    [Fact]
    public void Receive_BelowTrigger_TimeoutAtOnce()
    {
        _port.Out8(2, 0x81);
        _port.Out8(1, 1);
        Assert.Equal(3, _port.Receive("abc"u8));
        Assert.True(_pins.Levels[4]);
        Assert.Equal(0xCC, _port.In8(2));
        _port.Receive("defgh"u8);
        Assert.Equal(0xC4, _port.In8(2));
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(0x61, _port.In8(5));
            Assert.Equal('a' + i, _port.In8(0));
        }

        Assert.Equal(0x60, _port.In8(5));
        Assert.False(_pins.Levels[4]);
    }

    [Fact]
    public void Receive_FifoFull_RefusesThenAsksAgain()
    {
        int notices = 0;
        _port.RoomAvailable += () => notices++;
        _port.Out8(2, 0x01);
        Assert.Equal(16, _port.Receive(new byte[20]));
        Assert.Equal(0, _port.Receive(new byte[4]));
        Assert.Equal(0, notices);
        _port.In8(0);
        Assert.Equal(1, notices);
        _port.In8(0);
        Assert.Equal(1, notices);
        Assert.Equal(2, _port.Receive(new byte[4]));
    }

    [Fact]
    public void Receive_DuringLoopback_Refused()
    {
        int notices = 0;
        _port.RoomAvailable += () => notices++;
        _port.Out8(4, 0x10);
        Assert.Equal(0, _port.Receive("x"u8));
        _port.Out8(4, 0);
        Assert.Equal(1, notices);
        Assert.Equal(1, _port.Receive("x"u8));
    }

    [Fact]
    public void Loopback_Data_ComesBackNotOut()
    {
        _port.Out8(2, 1);
        _port.Out8(4, 0x10);
        _port.Out8(0, 0x42);
        Assert.Empty(_sink.Bytes);
        Assert.Equal(0x42, _port.In8(0));
    }

    [Fact]
    public void Divisor_WithDlab_DoesNotTransmit()
    {
        _port.Out8(3, 0x83);
        _port.Out8(0, 1);
        _port.Out8(1, 0);
        Assert.Equal(1, _port.In8(0));
        _port.Out8(3, 3);
        Assert.Empty(_sink.Bytes);
        Assert.Equal(0, _port.In8(1));
    }

    [Fact]
    public void ModemStatus_Connected_DeltasClearOnRead()
    {
        Assert.Equal(0xB0, _port.In8(6));
        _port.Out8(1, 8);
        _port.Out8(4, 0x10);
        Assert.True(_pins.Levels[4]);
        Assert.Equal(0x00, _port.In8(2) & 0x0F);
        Assert.Equal(0x0B, _port.In8(6));
        Assert.False(_pins.Levels[4]);
    }

    [Fact]
    public void HotPath_NoAllocation()
    {
        _port.Out8(1, 3);
        _sink.Discard = true;
        _port.Out8(0, 1);
        _port.In8(2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _port.Out8(0, 1);
            _port.In8(2);
            _port.Receive("x"u8);
            _port.In8(0);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private sealed class Sink : ISerialSink
    {
        public List<byte> Bytes { get; } = [];

        public bool Discard { get; set; }

        public void Write(ReadOnlySpan<byte> data)
        {
            if (!Discard)
            {
                Bytes.AddRange(data);
            }
        }
    }
}
