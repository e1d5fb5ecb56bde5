using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Entropy;

/// <summary>A source of random bytes.</summary>
/// <remarks>
/// <para>A buffer gets <see cref="MostBytes"/> at most, and a driver that wants more asks again.</para>
/// <para><i>Threading</i>: buffers are filled on the executor. <i>Source</i>: VIRTIO 1.2, 5.4 Entropy Device.</para>
/// </remarks>
internal sealed class VirtioEntropy(RandomFill fill, IDeviceExecutor executor) : IVirtioDevice
{
    /// <summary>The most bytes of a buffer that are filled.</summary>
    internal const int MostBytes = 256;

    private readonly QueueLanes _lanes = new([executor], (_, chain) => Serve(fill, chain));

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.Entropy;

    /// <inheritdoc/>
    public ulong Features => VirtioFeatures.InOrder;

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; } = [64];

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => data.Clear();

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    public void Start(VirtioSession session) => _lanes.Start(session);

    /// <inheritdoc/>
    public void Notify(int queue) => _lanes.Ring(queue);

    /// <inheritdoc/>
    public void Stop(Action stopped) => _lanes.Stop(stopped);

    private static long Serve(RandomFill fill, DescriptorChain chain)
    {
        if (chain.WritableBytes == 0)
        {
            return -1;
        }

        Span<byte> bytes = stackalloc byte[MostBytes];
        int count = (int)Math.Min(chain.WritableBytes, MostBytes);
        fill(bytes);
        _ = chain.TryWrite(0, bytes[..count]);
        return count;
    }
}
