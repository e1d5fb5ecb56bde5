using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Balloon;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 5.5 Traditional Memory Balloon Device.</summary>
public sealed class BalloonTests : IDisposable
{
    private static readonly Gpa s_page = new(0x10_0000);
    private readonly VirtioRig _rig = new(new VirtioBalloon(new ImmediateExecutor(), new ImmediateExecutor(), new ImmediateExecutor()));
    private readonly VirtioDriver _driver;
    private readonly Observer _observer = new();

    public BalloonTests()
    {
        _driver = new VirtioDriver(_rig);
        byte[] ones = new byte[16 << 10];
        ones.AsSpan().Fill(1);
        _rig.Ram.Write(s_page, ones);
        _rig.Memory.Observe(_observer);
    }

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S5_5_6_5_ReportedPages_AreGivenBackAndReadAsZeros(bool packed)
    {
        DriverQueue queue = Start(RingKinds.Features(packed, tables: true, eventIndex: true) | BalloonFeatures.Reporting, number: 2);
        queue.Add(new Piece(s_page, 4096, true), new Piece(s_page + 8192, 4096, true));
        _driver.Notify(2);

        Assert.Equal(0u, queue.Take()?.Written);
        for (int page = 0; page < 4; page++)
        {
            Assert.Equal((page & 1) == 0 ? 0 : 1, _rig.Ram.Read(s_page + (4096 * (ulong)page), 4096).Distinct().Single());
        }

        Assert.Contains((s_page, 4096ul), _observer.Written); // whoever keeps code of it hears of it
    }

    [Fact]
    public void S5_5_6_InflatedPages_AreGivenBack_AndTheDriverSaysHowManyThereAre()
    {
        DriverQueue queue = Start(RingKinds.Split, number: 0);
        byte[] list = [0x01, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]; // page 101h, and one there is not
        queue.Add(new Piece(_rig.Ram.Put(list), 8, false));
        _driver.Notify(0);

        Assert.NotNull(queue.Take());
        Assert.Equal(1, _rig.Ram.Read(s_page, 1)[0]);
        Assert.Equal(0, _rig.Ram.Read(s_page + 4096, 1)[0]);
        Assert.False(_driver.NeedsReset);
        _driver.Write(PciCapabilityKind.Device, 4, 4, 1);
        Assert.Equal(1ul, _driver.Read(PciCapabilityKind.Device, 4, 4));
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, 0, 4)); // it asks for nothing
    }

    [Fact]
    public void PartsOfPages_AreLeftAlone()
    {
        DriverQueue queue = Start(RingKinds.Split | BalloonFeatures.Reporting, number: 2);
        queue.Add(new Piece(s_page + 1, 4096, true), new Piece(s_page, 4095, true), new Piece(s_page, 0, true));
        _driver.Notify(2);
        Assert.NotNull(queue.Take());
        Assert.Equal(1, _rig.Ram.Read(s_page, 8192).Distinct().Single());
    }

    private DriverQueue Start(ulong features, int number)
    {
        Assert.True(_driver.Negotiate(features));
        DriverQueue queue = _driver.Open(number, 16);
        _driver.Ready();
        return queue;
    }

    private sealed class Observer : IMemoryObserver
    {
        public List<(Gpa, ulong)> Written { get; } = [];

        public void OnWritten(Gpa address, ulong length) => Written.Add((address, length));

        public void OnMoved()
        {
        }
    }
}
