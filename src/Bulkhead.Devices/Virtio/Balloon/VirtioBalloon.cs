using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Balloon;

/// <summary>Takes the pages a guest has no use for, and gives them back to the host until the guest touches them again.</summary>
/// <remarks>
/// <para>A driver reports free pages by itself. What it puts into the balloon proper is given back too; the balloon asks for nothing.</para>
/// <para><i>Threading</i>: the executors, one for each queue. <i>Source</i>: VIRTIO 1.2, 5.5 Traditional Memory Balloon Device.</para>
/// </remarks>
internal sealed class VirtioBalloon : IVirtioDevice
{
    private const ushort QueueSize = 128;
    private const int PageBytes = 4096;
    private const int MostListBytes = 64 << 10;
    private const int ActualPages = 4; // after the number of pages asked for
    private const int ConfigBytes = 8;

    private readonly QueueLanes _lanes;
    private uint _actualPages;

    /// <summary>A balloon with an executor for each of its queues: inflate, deflate, report.</summary>
    internal VirtioBalloon(IDeviceExecutor inflate, IDeviceExecutor deflate, IDeviceExecutor report) =>
        _lanes = new QueueLanes((inflate, Inflate), (deflate, static (_, _) => 0), (report, Report));

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.Balloon;

    /// <inheritdoc/>
    public ulong Features => BalloonFeatures.Reporting | VirtioFeatures.InOrder;

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; } = [QueueSize, QueueSize, QueueSize];

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> c = stackalloc byte[ConfigBytes];
        c.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(c[ActualPages..], _actualPages);
        DeviceConfig.Read(c, offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset == ActualPages && data.Length == sizeof(uint))
        {
            _actualPages = BinaryPrimitives.ReadUInt32LittleEndian(data);
        }
    }

    /// <inheritdoc/>
    public void Start(VirtioSession session) => _lanes.Start(session);

    /// <inheritdoc/>
    public void Notify(int queue) => _lanes.Ring(queue);

    /// <inheritdoc/>
    public void Stop(Action stopped) => _lanes.Stop(stopped);

    /// <inheritdoc/>
    public void Save(StateWriter writer) => writer.Write(_actualPages);

    /// <inheritdoc/>
    public void Restore(StateReader reader) => _actualPages = reader.ReadUInt32();

    // A list of page numbers, 32 bits each; pages are of 4096 bytes whatever the guest's are.
    private static long Inflate(VirtioSession session, DescriptorChain chain)
    {
        if (chain.ReadableBytes > MostListBytes || chain.ReadableBytes % sizeof(uint) != 0)
        {
            return -1;
        }

        Span<byte> number = stackalloc byte[sizeof(uint)];
        for (ulong at = 0; at < chain.ReadableBytes && !session.IsOver; at += sizeof(uint))
        {
            _ = chain.TryRead(at, number);
            _ = session.Memory.TryDiscard(new Gpa((ulong)BinaryPrimitives.ReadUInt32LittleEndian(number) * PageBytes), PageBytes);
        }

        return 0;
    }

    // The buffer's pieces are the pages themselves.
    private static long Report(VirtioSession session, DescriptorChain chain)
    {
        for (int i = 0; i < chain.WritableCount && !session.IsOver; i++)
        {
            (Gpa address, uint length) = chain.Writable(i);
            _ = session.Memory.TryDiscard(address, length);
        }

        return 0;
    }
}
