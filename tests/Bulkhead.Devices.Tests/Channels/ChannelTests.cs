using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Channels;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Channels;

public sealed class ChannelTests : IDisposable
{
    private const uint Registers = 0xE000_0000;
    private const uint Table = 0xE000_1000;
    private const ulong Memory = 1ul << 40;

    private readonly Channel _channel = new("c", 1 << 16, 2, true, true, false);
    private readonly End[] _ends;

    public ChannelTests() => _ends = [.. _channel.Members.Select(static m => new End(m))];

    public void Dispose()
    {
        foreach (End end in _ends)
        {
            end.Dispose();
        }

        _channel.Dispose();
    }

    [Fact]
    public void Device_IsOneOfSharedMemory()
    {
        Assert.Equal(0x1110_1AF4u, _ends[0].Port.Read32(0));
        Assert.Equal(1, _ends[0].Port.Read8(8)); // revision
        Assert.Equal(0x0500, _ends[0].Port.Read16(10)); // class
        _ends[0].Port.Write32(0x18, 0xFFFF_FFFF);
        Assert.Equal(0xFFFF_000Cu, _ends[0].Port.Read32(0x18)); // 64 KiB, 64-bit, prefetchable
        Assert.Equal([0u, 1u, 2u], _ends.Select(static e => e.In(Registers + 8)));
    }

    [Fact]
    public void Memory_OfWriters_IsTheSame_AndReadersOnlyRead()
    {
        Assert.True(_ends[1].Ram.TryWriteUInt64(new Gpa(Memory + 0xFFF8), 7));
        Assert.All(_ends, static e => Assert.True(e.Ram.TryReadUInt64(new Gpa(Memory + 0xFFF8), out ulong value) && value == 7));
        Assert.False(_ends[2].Ram.TryWriteUInt64(new Gpa(Memory), 1));
    }

    [Fact]
    public void Doorbell_ByMessage_ReachesTheMemberAndItsVector()
    {
        _ends[1].EnableMsix();
        _ends[0].Out(Registers + 12, (1 << 16) | 1);
        _ends[2].Out(Registers + 12, 1 << 16);

        Assert.Equal([0x41u, 0x40u], _ends[1].Messages.Take());
        Assert.Equal(0u, _ends[1].In(Registers + 4));
        Assert.Equal((1, 0, 1, 2), ((int)_channel.Members[0].DoorbellsRung, (int)_channel.Members[1].DoorbellsRung, (int)_channel.Members[2].DoorbellsRung, (int)_channel.Members[1].DoorbellsTaken));
    }

    [Fact]
    public void Doorbell_ByPin_IsMaskedAndClearedByReading()
    {
        _ends[0].Out(Registers + 12, 1 << 16);
        Assert.False(_ends[1].Pins.Levels[17]);
        _ends[1].Out(Registers, 1);
        Assert.True(_ends[1].Pins.Levels[17]);
        Assert.Equal(0x18, _ends[1].Port.Read16(6) & 0x18); // status: interrupt, capabilities
        _ends[1].Port.Write16(4, 0x406); // interrupts off, as uio_pci_generic does
        Assert.False(_ends[1].Pins.Levels[17]);
        _ends[1].Port.Write16(4, 6);
        Assert.True(_ends[1].Pins.Levels[17]);
        Assert.Equal(1u, _ends[1].In(Registers + 4));
        Assert.False(_ends[1].Pins.Levels[17]);
    }

    [Theory]
    [InlineData(0xFFFF_0000u)]
    [InlineData(3u << 16)]
    [InlineData((1u << 16) | 2)]
    [InlineData((1u << 16) | 0xFFFF)]
    public void Doorbell_OfNobody_RingsNobody(uint value)
    {
        _ends[0].Out(Registers + 12, value);

        Assert.Equal(0, _channel.Members[0].DoorbellsRung);
        Assert.All(_channel.Members, static m => Assert.Equal(0, m.DoorbellsTaken));
    }

    [Fact]
    public void Revoked_HasNoMemoryAndRingsNobody_UntilGrantedAgain()
    {
        _channel.Members[0].IsRevoked = true;
        Assert.False(_ends[0].Ram.Contains(new Gpa(Memory), 1));
        _ends[0].Out(Registers + 12, 1 << 16);
        _ends[1].Out(Registers + 12, 0);
        Assert.All(_channel.Members, static m => Assert.Equal(0, m.DoorbellsTaken));

        _channel.Members[0].IsRevoked = false;
        Assert.True(_ends[0].Ram.Contains(new Gpa(Memory), 1 << 16));
        _ends[0].Out(Registers + 12, 1 << 16);
        Assert.Equal(1, _channel.Members[1].DoorbellsTaken);
    }

    [Fact]
    public void Revoked_WhileTheGuestMovesTheMemory_IsNowhere()
    {
        const ulong elsewhere = 0x200ul << 32;
        const int rounds = 2000;
        const int looks = 20;
        using var stop = new CancellationTokenSource();
        var mover = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                _ends[0].Port.Write32(0x1C, (uint)(elsewhere >> 32));
                _ends[0].Port.Write32(0x1C, (uint)(Memory >> 32));
            }
        });
        mover.Start();
        bool seen = false;
        for (int i = 0; i < rounds; i++)
        {
            _channel.Members[0].IsRevoked = true;
            for (int look = 0; look < looks; look++)
            {
                seen |= _ends[0].Ram.Contains(new Gpa(Memory), 1) || _ends[0].Ram.Contains(new Gpa(elsewhere), 1);
            }

            _channel.Members[0].IsRevoked = false;
        }

        stop.Cancel();
        mover.Join();
        Assert.False(seen);
        Assert.True(_ends[0].Ram.Contains(new Gpa(Memory), 1 << 16));
    }

    [Fact]
    public void MemoryBar_OffAndMoved_IsWhereTheGuestWantsIt()
    {
        PciPort port = _ends[0].Port;
        port.Write16(4, 0);
        Assert.False(_ends[0].Ram.Contains(new Gpa(Memory), 1));
        port.Write32(0x1C, 0x200);
        port.Write16(4, 2);
        Assert.True(_ends[0].Ram.Contains(new Gpa(0x200ul << 32), 1 << 16));
        Assert.False(_ends[0].Ram.Contains(new Gpa(Memory), 1));
    }

    [Fact]
    public void Detached_Member_IsRungByNobody()
    {
        _ends[1].Device.Detach();
        _ends[0].Out(Registers + 12, 1 << 16);

        Assert.Equal(0, _channel.Members[0].DoorbellsRung);
    }

    private sealed class End : IDisposable
    {
        private readonly IoBus _bus = new();

        public End(ChannelMember member)
        {
            Ram = new GuestMemory("test", 1 << 20, (member.Channel.Memory, !member.MayWrite));
            var host = new PciHost();
            var slots = new PciSlots(host, _bus, Pins, Registers, Memory, static slot => 16 + slot);
            ChannelPort? port = null;
            slots.Add(pin => port = new ChannelPort(member, Ram.Shared[0], Messages, pin));
            Device = port!; // Add made it
            Port = new PciPort(host, 1);
            Port.Write16(4, 6);
        }

        public FakePins Pins { get; } = new();

        public FakeMessages Messages { get; } = new();

        public GuestMemory Ram { get; }

        public ChannelPort Device { get; }

        public PciPort Port { get; }

        public void EnableMsix()
        {
            for (uint i = 0; i < 2; i++)
            {
                Out(Table + (16 * i), 0xFEE0_0000);
                Out(Table + (16 * i) + 8, 0x40 + i);
                Out(Table + (16 * i) + 12, 0);
            }

            int at = Port.Capabilities().Single(static c => c.Id == 0x11).At;
            Port.Write16(at + 2, 0x8000);
        }

        public uint In(uint address)
        {
            Span<byte> data = stackalloc byte[4];
            _bus.Read(address, data);
            return BitConverter.ToUInt32(data);
        }

        public void Out(uint address, uint value) => _bus.Write(address, BitConverter.GetBytes(value));

        public void Dispose() => Ram.Dispose();
    }
}
