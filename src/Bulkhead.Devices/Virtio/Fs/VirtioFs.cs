using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Fs;

/// <summary>A folder of the host as a file system.</summary>
/// <remarks>
/// <para>A request is copied out of the guest's memory before it is looked at, and its answer copied in when it is whole.</para>
/// <para><i>Threading</i>: requests are served on the executors, one for what is urgent and one for the others; everything else under the transport's
/// lock. <i>Source</i>: VIRTIO 1.2, 5.11 File System Device.</para>
/// </remarks>
internal sealed class VirtioFs : IVirtioDevice
{
    private const ushort UrgentSize = 128;
    private const ushort RequestsSize = 512; // the driver makes requests of as many pages as fit
    private const int MostUrgentBytes = 64 << 10;
    private const uint RequestQueues = 1;

    private readonly SharedFolder _folder;
    private readonly FuseServer _server;
    private readonly QueueLanes _lanes;

    /// <summary>A file system of a folder, which the caller keeps longer.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="urgent">Where is served what must not wait for answers.</param>
    /// <param name="requests">Where the rest is served.</param>
    internal VirtioFs(SharedFolder folder, IDeviceExecutor urgent, IDeviceExecutor requests)
    {
        _folder = folder;
        _server = new FuseServer(folder);
        _lanes = new QueueLanes((urgent, Lane(MostUrgentBytes, MostUrgentBytes)), (requests, Lane(FuseServer.MostRequestBytes, FuseServer.MostAnswerBytes)));
    }

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.FileSystem;

    /// <inheritdoc/>
    public ulong Features => VirtioFeatures.InOrder;

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; } = [UrgentSize, RequestsSize];

    /// <summary>Serves it.</summary>
    internal FuseServer Server => _server;

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> config = stackalloc byte[FsConfig.Size];
        config.Clear();
        _folder.Tag.CopyTo(config);
        BinaryPrimitives.WriteUInt32LittleEndian(config[FsConfig.RequestQueues..], RequestQueues);
        DeviceConfig.Read(config, offset, data);
    }

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

    /// <inheritdoc/>
    public void Reset() => _server.Reset();

    /// <inheritdoc/>
    public void Save(StateWriter writer) => _server.Save(writer);

    /// <inheritdoc/>
    public void Restore(StateReader reader) => _server.Restore(reader);

    /// <summary>Serves a queue through buffers of its own.</summary>
    private Func<VirtioSession, DescriptorChain, long> Lane(int mostRequest, int mostAnswer)
    {
        byte[] request = new byte[mostRequest];
        byte[] answer = new byte[mostAnswer];
        return (_, chain) =>
        {
            if (chain.ReadableBytes > (ulong)mostRequest)
            {
                return -1;
            }

            Span<byte> asked = request.AsSpan(0, (int)chain.ReadableBytes);
            if (!chain.TryRead(0, asked))
            {
                return -1;
            }

            int count = _server.Serve(asked, answer.AsSpan(0, (int)Math.Min(chain.WritableBytes, (ulong)mostAnswer)));
            return count <= 0 || chain.TryWrite(0, answer.AsSpan(0, count)) ? count : -1;
        };
    }
}
