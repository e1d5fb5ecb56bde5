using System.Buffers.Binary;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Display;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Display;

/// <summary>QEMU docs/specs/standard-vga.rst, bochs-display: what firmware and drivers do with it.</summary>
public sealed class BochsDisplayTests : IDisposable
{
    private const ulong Window = 0xE000_0000;
    private const ulong Registers = Window + (16 << 20);
    private const int Width = 640;
    private const int Height = 480;

    private readonly SharedMemory _backing = SharedMemory.Create("display", 16 << 20);
    private readonly GuestMemory _memory;
    private readonly IoBus _bus = new();
    private readonly PciPort _port;
    private readonly BochsDisplay _display;

    public BochsDisplayTests()
    {
        _memory = new GuestMemory("guest", 1 << 20, (_backing, false));
        _display = new BochsDisplay(_memory.Shared[0], Width, Height);
        var host = new PciHost();
        _ = new PciSlots(host, _bus, new FakePins(), Window, 1ul << 44, static slot => slot).Add(_ => _display);
        _port = new PciPort(host, 1);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _backing.Dispose();
    }

    [Fact]
    public void Config_SaysWhatItIs_AndIsSetUp()
    {
        Assert.Equal(0x1111_1234u, _port.Read32(0));
        Assert.Equal(0x0380_0002u, _port.Read32(8));
        Assert.Equal(0x1100_1AF4u, _port.Read32(0x2C));
        Assert.Equal(2, _port.Read16(4) & 2);
        Assert.Equal((uint)Window | 8, _port.Read32(0x10));
        Assert.Equal((uint)Registers, _port.Read32(0x18));
        Assert.Equal(Window, _display.FrameAddress);
        _port.Write32(0x10, 0xFFFF_FFFF);
        Assert.Equal(0xFF00_0008u, _port.Read32(0x10));
    }

    [Fact]
    public void Frame_IsMemoryWhereItsBarSays_AndShows()
    {
        Assert.True(_memory.TryWrite(new Gpa(Window + (Width * 4)), [1, 2, 3, 4]));
        _port.Write32(0x10, 0xD000_0000);
        Assert.False(_memory.TryWrite(new Gpa(Window), [9]));
        Assert.True(_memory.TryWrite(new Gpa(0xD000_0004), [5, 6, 7]));

        ScreenImage image = _display.Capture();
        Assert.Equal((Width, Height), (image.Width, image.Height));
        Assert.Equal([1, 2, 3], image.Pixels.Slice(Width * 4, 3).ToArray());
        Assert.Equal([5, 6, 7], image.Pixels.Slice(4, 3).ToArray());
        Assert.Equal(1 + 2 + 3 + 4 + 5 + 6 + 7, image.Pixels.ToArray().Sum(static b => b));
    }

    [Fact]
    public void Registers_AsADriverSetsAMode_ShowIt()
    {
        Assert.Equal(0xB0C5, Get(0));
        Assert.Equal(16 * 16, Get(0xA));
        foreach ((int register, int value) in ((int, int)[])[(4, 0), (3, 32), (1, 800), (2, 600), (6, 1024), (8, 8), (9, 2), (4, 0xC1)])
        {
            Set(register, value);
        }

        Assert.Equal(new ScreenMode(800, 600, 4096, (2 * 4096) + 32), _display.Mode);
        Set(4, 0);
        Assert.Null(_display.Mode);
        Assert.Equal(0, _display.Capture().Width);
    }

    [Theory]
    [InlineData(3, 16)]
    [InlineData(1, 0)]
    [InlineData(2, 65535)]
    [InlineData(6, 65535)]
    [InlineData(9, 65535)]
    public void Registers_ThatMakeNoMode_MakeItDark(int register, int value)
    {
        Set(register, value);
        if (register == 6)
        {
            Set(9, 100);
        }

        Assert.Null(_display.Mode);
        Assert.Equal(value, Get(register));
    }

    [Fact]
    public void Enable_WithoutKeepingMemory_ClearsIt()
    {
        Assert.True(_memory.TryWrite(new Gpa(Window), [1, 2, 3]));
        Assert.True(_memory.TryWrite(new Gpa(Registers - 1), [4])); // the last byte of the memory, which shows nowhere
        Set(4, 0x41);
        Assert.Equal(1, _display.Capture().Pixels.Span[0]); // it was on
        Set(4, 0);
        Set(4, 0xC1);
        Assert.Equal(1, _display.Capture().Pixels.Span[0]);
        Set(4, 0);
        Set(4, 0x41);
        Assert.Equal(0, _display.Capture().Pixels.Span[0]);
        byte[] last = [5];
        Assert.True(_memory.TryRead(new Gpa(Registers - 1), last));
        Assert.Equal(0, last[0]);
    }

    [Fact]
    public void Capabilities_AskedFor_AreTheMost()
    {
        Set(4, 0xC3);
        Assert.Equal((3840, 2160, 32), (Get(1), Get(2), Get(3)));
        Set(4, 0xC1);
        Assert.Equal((Width, Height), (Get(1), Get(2)));
    }

    [Theory]
    [InlineData(Width, Height)]
    [InlineData(3840, 2160)]
    public void Edid_PrefersTheMode(int width, int height)
    {
        var display = new BochsDisplay(_memory.Shared[0], width, height);
        byte[] edid = new byte[128];
        for (int i = 0; i < edid.Length; i += 4)
        {
            display.Read((ulong)i, edid.AsSpan(i, 4));
        }

        Assert.Equal([0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0], edid[..8]);
        Assert.Equal(0, edid.Sum(static b => b) & 0xFF);
        Assert.Equal((width, height), (edid[56] | ((edid[58] & 0xF0) << 4), edid[59] | ((edid[61] & 0xF0) << 4)));

        // 60 pictures a second, as near as the clock in tens of kHz comes.
        int all = (width + (edid[57] | ((edid[58] & 15) << 8))) * (height + (edid[60] | ((edid[61] & 15) << 8)));
        Assert.InRange(BinaryPrimitives.ReadUInt16LittleEndian(edid.AsSpan(54)) * 10_000.0 / all, 59, 61);
        Assert.Equal("Bulkhead\n", System.Text.Encoding.ASCII.GetString(edid, 77, 9));
    }

    [Fact]
    public void State_OfAModeAndItsPicture_GoesOnInAnotherDisplay()
    {
        Set(9, 1);
        Assert.True(_memory.TryWrite(new Gpa(Window + (Width * 4)), [1, 2, 3]));
        var writer = new StateWriter();
        _display.Save(writer);
        _memory.Shared[0].Write(Width * 4, [0, 0, 0]);

        var other = new BochsDisplay(_memory.Shared[0], Width, Height);
        var reader = new StateReader(writer.Bytes.ToArray());
        other.Restore(reader);
        Assert.Null(reader.Error);
        Assert.Equal(_display.Mode, other.Mode);
        Assert.Equal([1, 2, 3], other.Capture().Pixels[..3].ToArray());
    }

    private int Get(int register)
    {
        Span<byte> data = stackalloc byte[2];
        Assert.Equal(IoResult.Ok, _bus.Read(Registers + 0x500 + ((ulong)register * 2), data));
        return BinaryPrimitives.ReadUInt16LittleEndian(data);
    }

    private void Set(int register, int value)
    {
        Span<byte> data = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(data, (ushort)value);
        Assert.Equal(IoResult.Ok, _bus.Write(Registers + 0x500 + ((ulong)register * 2), data));
    }
}
