using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Entropy;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 5.4 Entropy Device.</summary>
public sealed class EntropyTests : IDisposable
{
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;
    private byte _next;

    public EntropyTests()
    {
        _rig = new VirtioRig(new VirtioEntropy(
            bytes =>
            {
                foreach (ref byte b in bytes)
                {
                    b = ++_next;
                }
            },
            new ImmediateExecutor()));
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void S5_4_6_2_Buffer_GetsAtLeastOneByteAndSaysHowMany(bool packed)
    {
        DriverQueue queue = _driver.Start(RingKinds.Features(packed, tables: true, eventIndex: true));
        Gpa one = _rig.Ram.Take(1);
        Gpa many = _rig.Ram.Take(1000);
        queue.Add(new Piece(one, 1, true));
        queue.Add(new Piece(many, 100, true), new Piece(many + 100, 900, true));
        _driver.Notify(0);

        Assert.Equal(1u, queue.Take()?.Written);
        Assert.Equal(1, _rig.Ram.Read(one, 1)[0]);
        Assert.Equal((uint)VirtioEntropy.MostBytes, queue.Take()?.Written);
        Assert.Equal(Enumerable.Range(1, 256).Select(static i => (byte)i), _rig.Ram.Read(many, 256));
        Assert.Equal(new byte[744], _rig.Ram.Read(many + 256, 744));
    }

    [Fact]
    public void BufferThatCannotBeWritten_NeedsReset()
    {
        DriverQueue queue = _driver.Start(RingKinds.Split);
        queue.Add(new Piece(_rig.Ram.Take(8), 8, false));
        _driver.Notify(0);
        Assert.True(_driver.NeedsReset);
    }
}
