using Bulkhead.Core.State;
using Bulkhead.Devices.Chipset;
using Bulkhead.Devices.Pci;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class SmallDeviceTests
{
    private readonly FakePins _pins = new();
    private int _powerOffs;
    private int _resets;

    private AcpiPm NewPm() => new(_pins.Line(9), () => _powerOffs++, () => _resets++);

    [Fact]
    public void PmTimer_OneSecond_IsExact()
    {
        var clock = new FakeClock();
        var timer = new PmTimer(clock);
        Assert.Equal(0u, timer.In32(0));
        clock.NowNs = 10_000_000_000;
        Assert.Equal(35_795_450u, timer.In32(0));
        clock.NowNs = 10_000_000_000_000;
        Assert.Equal(unchecked((uint)35_795_450_000L), timer.In32(0));
        Assert.Equal(35_795_450_000L & 0xFF_FFFF, new PmTimer(clock, is32Bit: false).In32(0));
    }

    [Fact]
    public void X87Error_Raised_StaysUntilItsPortIsWritten()
    {
        var error = new X87Error(_pins.Line(13));
        error.Raise();
        error.Raise();
        Assert.True(_pins.Levels[13]);
        error.Out8(0, 0);
        Assert.False(_pins.Levels[13]);
        error.Raise();
        Assert.Equal(2, _pins.Edges[13]);
    }

    [Fact]
    public void PowerButton_Enabled_RaisesSciUntilCleared()
    {
        AcpiPm pm = NewPm();
        pm.PressPowerButton();
        Assert.False(_pins.Levels[9]);
        pm.EventPorts.Out16(2, 0x0120);
        Assert.Equal(0x0120, pm.EventPorts.In16(2));
        Assert.True(_pins.Levels[9]);
        Assert.Equal(0x0100, pm.EventPorts.In16(0));
        pm.EventPorts.Out16(0, 0x0100);
        Assert.False(_pins.Levels[9]);
        Assert.Equal(0, pm.EventPorts.In16(0));
    }

    [Fact]
    public void PowerButton_PressedBeforeTheGuestListens_IsHeardOnceItDoes()
    {
        AcpiPm pm = NewPm();
        pm.PressPowerButton();
        pm.EventPorts.Out16(0, 0x0100); // what it finds at its start, it clears
        Assert.Equal(0, pm.EventPorts.In16(0));
        pm.EventPorts.Out16(2, 0x0020);
        Assert.False(_pins.Levels[9]);

        pm.EventPorts.Out16(2, 0x0120);

        Assert.True(_pins.Levels[9]);
        pm.EventPorts.Out16(0, 0x0100);
        pm.EventPorts.Out16(2, 0x0020);
        pm.EventPorts.Out16(2, 0x0120);
        Assert.False(_pins.Levels[9]);
    }

    [Fact]
    public void Sleep_S5_PowersOffOnce()
    {
        AcpiPm pm = NewPm();
        Assert.Equal(1, pm.ControlPorts.In16(0));
        pm.ControlPorts.Out16(0, 0x1401);
        Assert.Equal(0, _powerOffs);
        pm.ControlPorts.Out16(0, 0x3401);
        Assert.Equal(1, _powerOffs);
        Assert.Equal(0x1401, pm.ControlPorts.In16(0));
        pm.ControlPorts.Out16(0, 0x2801);
        Assert.Equal(1, _powerOffs);
    }

    [Fact]
    public void Pci_ResetRegister_ResetsThroughConfigPorts()
    {
        var host = new PciHost(NewPm().ResetPort);
        host.Out8(1, 0x02);
        Assert.Equal(0, _resets);
        host.Out8(1, 0x06);
        Assert.Equal(1, _resets);
    }

    [Fact]
    public void Pci_LinuxProbe_FindsMechanism1AndBridge()
    {
        var host = new PciHost();
        host.Out8(3, 0x01);
        host.Out32(0, 0x8000_0000);
        Assert.Equal(0x8000_0000u, host.In32(0));
        Assert.Equal(0x1237_8086u, host.In32(4));
        Assert.Equal(0x1237, host.In16(6));
        host.Out32(0, 0x8000_0008);
        Assert.Equal(0x0600, host.In16(6));
        host.Out32(0, 0x8000_0800);
        Assert.Equal(0xFFFF_FFFFu, host.In32(4));
        host.Out32(0, 0x8001_0000);
        Assert.Equal(0xFFFF_FFFFu, host.In32(4));
        host.Out32(0, 0);
        Assert.Equal(0xFFFF_FFFFu, host.In32(4));
    }

    [Fact]
    public void Pci_RegisteredFunction_SeesOffsets()
    {
        var host = new PciHost();
        var function = new Function();
        host.Register(3, 1, function);
        Assert.Throws<ArgumentException>(() => host.Register(3, 1, function));
        host.Out32(0, 0x8000_1910);
        host.Out16(6, 0xBEEF);
        Assert.Equal(0xBEEF, host.In16(6));
        Assert.Equal(0xEF, function.Bytes[0x12]);
        host.Out32(0, 0x8000_19FC);
        host.Out32(7, 0x1234_5678);
        Assert.Equal(0, function.Bytes[0xFF]);
    }

    [Fact]
    public void I8042_LooksAbsentAndResets()
    {
        var kbd = new I8042Reset(() => _resets++);
        Assert.Equal(0xFF, kbd.CommandPort.In8(0));
        Assert.Equal(0xFF, kbd.DataPort.In8(0));
        kbd.CommandPort.Out8(0, 0xAA);
        kbd.DataPort.Out8(0, 0xFE);
        Assert.Equal(0, _resets);
        kbd.CommandPort.Out8(0, 0xFE);
        Assert.Equal(1, _resets);
        Assert.Equal(2, kbd.FastPort.In8(0));
        kbd.FastPort.Out8(0, 2);
        Assert.Equal(1, _resets);
        kbd.FastPort.Out8(0, 3);
        Assert.Equal(2, _resets);
    }

    [Fact]
    public void DebugExit_Value_BecomesStatus()
    {
        int status = 0;
        var exit = new DebugExit(s => status = s);
        exit.Out8(0, 0x21);
        Assert.Equal(0x43, status);
    }

    [Fact]
    public void TickRate_RoundTrip_IsTheFirstNanosecond()
    {
        var rate = new TickRate(Pit8254.Hz);
        for (ulong tick = 1; tick < 10_000_000_000; tick = (tick * 3) + 1)
        {
            long ns = rate.ToNs(tick);
            Assert.Equal(tick, rate.FromNs(ns));
            Assert.Equal(tick - 1, rate.FromNs(ns - 1));
        }
    }

    private sealed class Function : IPciFunction
    {
        public byte[] Bytes { get; } = new byte[256];

        public void ReadConfig(int offset, Span<byte> data) => Bytes.AsSpan(offset, data.Length).CopyTo(data);

        public void WriteConfig(int offset, ReadOnlySpan<byte> data) => data.CopyTo(Bytes.AsSpan(offset));

        public void Save(StateWriter writer) => writer.Write(Bytes);

        public void Restore(StateReader reader) => reader.Read(Bytes);
    }
}
