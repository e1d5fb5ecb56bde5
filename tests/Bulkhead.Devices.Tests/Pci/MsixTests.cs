using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Xunit;

namespace Bulkhead.Devices.Tests.Pci;

/// <summary>PCI Local Bus Specification 3.0, 6.8.2 MSI-X: masks, pending bits, who may send.</summary>
public sealed class MsixTests : IDisposable
{
    private readonly EchoDevice _device = new(new ImmediateExecutor());
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;
    private readonly uint _table;
    private readonly uint _pending;

    public MsixTests()
    {
        _rig = new VirtioRig(_device);
        _driver = new VirtioDriver(_rig);
        _table = _rig.Port.Read32(_driver.MsixAt + 4) & ~7u;
        _pending = _rig.Port.Read32(_driver.MsixAt + 8) & ~7u;
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Vectors_AfterPowerUp_AreMasked()
    {
        Assert.Equal(1u, _driver.ReadBar(_table + 12));
        Assert.Equal(1u, _driver.ReadBar(_table + 28));
        Assert.Equal(0u, _driver.ReadBar(_table));
        Assert.Equal(0, _rig.Port.Read16(_driver.MsixAt + 2) & 0xC000);
    }

    [Fact]
    public void MaskedVector_WaitsAndIsSentOnceWhenUnmasked()
    {
        DriverQueue queue = Start();
        _driver.WriteBar(_table + 16 + 12, 1);
        Send(queue);
        Send(queue);
        Assert.Empty(_rig.Messages.Take());
        Assert.Equal(2u, _driver.ReadBar(_pending));

        _driver.WriteBar(_table + 16 + 12, 0);
        Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
        Assert.Equal(0u, _driver.ReadBar(_pending));
    }

    [Fact]
    public void MaskedFunction_WaitsAndIsSentWhenUnmasked()
    {
        DriverQueue queue = Start();
        _rig.Port.Write16(_driver.MsixAt + 2, 0xC000);
        Send(queue);
        Assert.Empty(_rig.Messages.Take());
        Assert.Equal(2u, _driver.ReadBar(_pending));
        _rig.Port.Write16(_driver.MsixAt + 2, 0x8000);
        Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
    }

    [Fact]
    public void BusMasterOff_WaitsAndThePinStaysLow()
    {
        DriverQueue queue = Start();
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _device.BeforeEach = () => _rig.Port.Write16(4, 2); // while the buffer is being served
        _driver.Notify(0);
        Assert.NotNull(queue.Take());
        Assert.Empty(_rig.Messages.Take());
        Assert.False(_rig.PinIsHigh);
        _rig.Port.Write16(4, 6);
        Assert.Equal([VirtioDriver.FirstMessage + 1], _rig.Messages.Take());
    }

    [Fact]
    public void Message_IsTheOneOfTheTableNow()
    {
        DriverQueue queue = Start();
        _driver.WriteBar(_table + 16 + 8, 0x99);
        Send(queue);
        Assert.Equal([0x99u], _rig.Messages.Take());
    }

    [Fact]
    public void Disabled_ThePinTakesItsPlace()
    {
        DriverQueue queue = Start();
        _rig.Port.Write16(_driver.MsixAt + 2, 0);
        Send(queue);
        Assert.Empty(_rig.Messages.Take());
        Assert.True(_rig.PinIsHigh);
        _rig.Port.Write16(_driver.MsixAt + 2, 0x8000);
        Assert.False(_rig.PinIsHigh);
    }

    [Fact]
    public void PendingBits_AreNotTheGuestsToWrite()
    {
        Span<byte> ones = [0xFF, 0xFF, 0xFF, 0xFF];
        _rig.Bus.Write(VirtioRig.Window + _pending, ones);
        Assert.Equal(0u, _driver.ReadBar(_pending));
    }

    private DriverQueue Start()
    {
        _driver.UseMsix(2);
        return _driver.Start(VirtioFeatures.Version1, vector: 1);
    }

    private void Send(DriverQueue queue)
    {
        queue.Add(new Piece(_rig.Ram.Take(8), 8, true));
        _driver.Notify(0);
        Assert.NotNull(queue.Take());
    }
}
