using Bulkhead.Core.Io;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Tests.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Pci;

/// <summary>The functions of the chipset that firmware asks for.</summary>
public sealed class ChipsetFunctionTests
{
    private const ushort Fixed = 0x600;

    private readonly IoBus _ports = new();
    private readonly List<ushort> _protected = [];
    private readonly PciHost _host;

    public ChipsetFunctionTests()
    {
        _host = new PciHost(null, _protected.Add);
        _host.Register(1, 0, new IsaBridgePiix3());
        _host.Register(1, 3, new PowerManagementPiix4(_ports, [(0, 4, new Answer(1)), (8, 4, new Answer(2))], Fixed));
    }

    [Fact]
    public void HostBridge_WithFirmware_ProtectsAllAndSaysWhoseItIs()
    {
        Assert.Equal([0xFFFF], _protected);
        Assert.Equal(0x1100_1AF4u, Read(0, 0, 0x2C));
    }

    [Theory]
    [InlineData(0x59, 0x30, 0x0FFF)]
    [InlineData(0x59, 0x10, 0xFFFF)]
    [InlineData(0x5A, 0x03, 0xFFFE)]
    [InlineData(0x5F, 0x32, 0xF3FF)]
    public void HostBridge_AttributeWritten_ProtectsTheRest(int register, byte value, ushort expected)
    {
        Write8(0, 0, register, value);
        Assert.Equal(expected, _protected[^1]);
    }

    [Fact]
    public void HostBridge_WithoutFirmware_ProtectsNothing()
    {
        var host = new PciHost();
        host.Out32(0, 0x8000_0058);
        host.Out8(5, 0x30);
        Assert.Equal([0xFFFF], _protected);
    }

    [Fact]
    public void Functions_OfThePiix_AreFound()
    {
        Assert.Equal(0x7000_8086u, Read(1, 0, 0));
        Assert.Equal(0x80u, (Read(1, 0, 0x0C) >> 16) & 0xFF);
        Assert.Equal(0x7113_8086u, Read(1, 3, 0));
        Assert.NotEqual(0u, Read(1, 3, 0x58) & (1 << 25));
    }

    [Fact]
    public void PowerManagement_BaseMoved_AnswersThere()
    {
        Write32(1, 3, 0x40, 0xB001);
        Assert.Equal(0xFF, Port(0xB000));
        Write8(1, 3, 0x80, 1);
        Assert.Equal((1, 2), (Port(0xB000), Port(0xB008)));

        Write32(1, 3, 0x40, 0xC001);
        Assert.Equal((0xFF, 1), (Port(0xB000), Port(0xC000)));

        Write32(1, 3, 0x40, Fixed | 1); // where the machine has them already
        Assert.Equal((0xFF, 0xFF), (Port(0xC000), Port(Fixed)));
    }

    [Fact]
    public void PowerManagement_BaseOverAnotherDevice_LeavesThat()
    {
        _ports.Map(0x3F8, 8, new Answer(9));
        Write8(1, 3, 0x80, 1);
        Write32(1, 3, 0x40, 0x3C1);
        Assert.Equal((1, 9), (Port(0x3C0), Port(0x3F8)));
    }

    private byte Port(ushort port)
    {
        Span<byte> data = stackalloc byte[1];
        _ = _ports.Read(port, data);
        return data[0];
    }

    private uint Read(int device, int function, int register)
    {
        Point(device, function, register);
        return _host.In32(4);
    }

    private void Write8(int device, int function, int register, byte value)
    {
        Point(device, function, register);
        _host.Out8(4 + (uint)(register & 3), value);
    }

    private void Write32(int device, int function, int register, uint value)
    {
        Point(device, function, register);
        _host.Out32(4, value);
    }

    private void Point(int device, int function, int register) => _host.Out32(0, 0x8000_0000 | ((uint)device << 11) | ((uint)function << 8) | ((uint)register & 0xFC));

    private sealed class Answer(byte value) : IIoDevice
    {
        public IoResult Read(ulong offset, Span<byte> data)
        {
            data.Fill(value);
            return IoResult.Ok;
        }

        public IoResult Write(ulong offset, ReadOnlySpan<byte> data) => IoResult.Ok;
    }
}
