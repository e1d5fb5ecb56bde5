using System.Buffers.Binary;
using System.Text;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Block;

/// <summary>A disk.</summary>
/// <remarks>
/// <para><i>Threading</i>: requests are served on the executors, one for each queue, and their helpers; everything else under the transport's lock.</para>
/// <para><i>Source</i>: VIRTIO 1.2, 5.2 Block Device.</para>
/// </remarks>
internal sealed class VirtioBlock : IVirtioDevice
{
    private const int SectorBytes = 512;
    private const int HeaderBytes = 16;
    private const int SerialBytes = 20;
    private const int RangeBytes = 16;
    private const int MostRanges = 64;
    private const uint MostRangeSectors = 1u << 22;
    private const int MostSegments = QueueSize - 2;
    private const int MostSegmentBytes = 1 << 20;
    private const ulong MostBytes = (ulong)MostSegments * MostSegmentBytes;
    private const int MostTransferBytes = 4 << 20; // at once, before it is looked whether to go on
    private const long MostZeroedBytes = 64 << 20;
    private const ushort QueueSize = 256;
    private const uint UnmapFlag = 1;

    private readonly IDisk _disk;
    private readonly byte[] _serial = new byte[SerialBytes];
    private readonly QueueLanes _lanes;
    private VirtioSession? _session;
    private bool _writeback = true;
    private bool _writebackIsChosen;

    /// <summary>A disk with a serial number (its first 20 bytes), served on as many executors as it has queues.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="serial">Its serial number.</param>
    /// <param name="executors">Where its queues are served.</param>
    /// <param name="throttle">How much may be asked of it, or null for any amount.</param>
    internal VirtioBlock(IDisk disk, string serial, IReadOnlyList<IDeviceExecutor> executors, Throttle? throttle = null)
    {
        _disk = disk;
        Encoding.ASCII.GetBytes(serial.AsSpan(0, Math.Min(serial.Length, SerialBytes)), _serial);
        _lanes = new QueueLanes(
            executors,
            Serve,
            throttle is null ? null : (DescriptorChain chain, out long againNs) => throttle.TryTake(1, DataBytes(chain), out againNs),
            TakesLong);
        QueueSizes = [.. Enumerable.Repeat(QueueSize, _lanes.Count)];
        Features = BlockFeatures.SizeMaximum | BlockFeatures.SegmentMaximum | BlockFeatures.BlockSize | BlockFeatures.Topology | BlockFeatures.Flush
            | BlockFeatures.ConfigurableCache | BlockFeatures.MultiQueue | BlockFeatures.Discard | BlockFeatures.WriteZeroes
            | (disk.ReadOnly ? BlockFeatures.ReadOnly : 0)
            | (executors.Any(static e => e.Helpers.Count > 0) ? 0 : VirtioFeatures.InOrder);
    }

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.Block;

    /// <inheritdoc/>
    public ulong Features { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; }

    /// <inheritdoc/>
    public bool Negotiate(ulong features)
    {
        // A driver that cannot flush expects what it wrote to stay.
        Volatile.Write(ref _writeback, (features & BlockFeatures.Flush) != 0);
        _writebackIsChosen = (features & BlockFeatures.ConfigurableCache) != 0;
        return true;
    }

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> c = stackalloc byte[BlockConfig.Size];
        c.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(c[BlockConfig.Capacity..], _disk.SizeBytes / SectorBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(c[BlockConfig.SizeMaximum..], MostSegmentBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(c[BlockConfig.SegmentMaximum..], MostSegments);
        BinaryPrimitives.WriteUInt32LittleEndian(c[BlockConfig.BlockSize..], SectorBytes);
        c[BlockConfig.PhysicalBlockExponent] = 3;
        BinaryPrimitives.WriteUInt16LittleEndian(c[BlockConfig.MinimumIo..], 8);
        c[BlockConfig.Writeback] = Volatile.Read(ref _writeback) ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(c[BlockConfig.QueueCount..], (ushort)_lanes.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(c[BlockConfig.DiscardMaximum..], MostRangeSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(c[(BlockConfig.DiscardMaximum + 4)..], MostRanges);
        BinaryPrimitives.WriteUInt32LittleEndian(c[(BlockConfig.DiscardMaximum + 8)..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(c[BlockConfig.WriteZeroesMaximum..], MostRangeSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(c[(BlockConfig.WriteZeroesMaximum + 4)..], MostRanges);
        c[BlockConfig.WriteZeroesMaximum + 8] = 1;
        DeviceConfig.Read(c, offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (_writebackIsChosen && offset == BlockConfig.Writeback && data.Length == 1 && data[0] <= 1)
        {
            Volatile.Write(ref _writeback, data[0] != 0);
        }
    }

    /// <inheritdoc/>
    public void Start(VirtioSession session)
    {
        Volatile.Write(ref _session, session);
        _lanes.Start(session);
    }

    /// <summary>The disk has another size: a driver that is there is told. From any thread.</summary>
    internal void NoteResized() => Volatile.Read(ref _session)?.ConfigChanged();

    /// <inheritdoc/>
    public void Notify(int queue) => _lanes.Ring(queue);

    /// <inheritdoc/>
    public void Stop(Action stopped) => _lanes.Stop(stopped);

    /// <inheritdoc/>
    public void Save(StateWriter writer)
    {
        writer.Begin("block", 1);
        writer.Write(_writeback);
        writer.End();
    }

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        _ = reader.Begin("block", 1);
        _writeback = reader.ReadBoolean();
        reader.EndSection();
    }

    private static long DataBytes(DescriptorChain chain) =>
        Math.Max((long)Math.Min(chain.ReadableBytes + chain.WritableBytes, MostBytes) - HeaderBytes - sizeof(BlockStatus), 0);

    // What the host does not do at once even where all of it is in its memory.
    private static bool TakesLong(DescriptorChain chain)
    {
        Span<byte> type = stackalloc byte[sizeof(uint)];
        return !chain.TryRead(0, type)
            || (BlockRequestType)BinaryPrimitives.ReadUInt32LittleEndian(type) is not (BlockRequestType.Read or BlockRequestType.Write or BlockRequestType.Identify)
            || DataBytes(chain) > MostTransferBytes;
    }

    // Header: type u32, reserved u32, sector u64. Then data, and at the end of what is written one byte of status.
    private long Serve(VirtioSession session, DescriptorChain chain)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (chain.WritableBytes == 0 || !chain.TryRead(0, header))
        {
            return -1;
        }

        var type = (BlockRequestType)BinaryPrimitives.ReadUInt32LittleEndian(header);
        ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
        ulong room = chain.WritableBytes - 1;
        ulong data = chain.ReadableBytes - HeaderBytes;
        BlockStatus status = type switch
        {
            BlockRequestType.Read => Read(session, chain, sector, room),
            BlockRequestType.Write => Write(session, chain, sector, data),
            BlockRequestType.Flush => StatusOf(_disk.Flush()),
            BlockRequestType.Identify => Identify(chain, room),
            BlockRequestType.Discard => Ranges(session, chain, data, zero: false),
            BlockRequestType.WriteZeroes => Ranges(session, chain, data, zero: true),
            _ => BlockStatus.Unsupported,
        };
        if (status != BlockStatus.Ok)
        {
            session.NoteError();
        }

        _ = chain.TryWrite(room, [(byte)status]);

        // Bytes before the status that were not written are not to be taken for such.
        return room == 0 || status == BlockStatus.Ok ? (long)chain.WritableBytes : 0;
    }

    private BlockStatus Read(VirtioSession session, DescriptorChain chain, ulong sector, ulong length)
    {
        if (length > MostBytes || !IsWithin(sector, length, out long offset))
        {
            return BlockStatus.IoError;
        }

        for (ulong at = 0; at < length;)
        {
            int part = (int)Math.Min(length - at, MostTransferBytes);
            DiskResult result = _disk.Read(offset + (long)at, chain.GatherWritable(at, part));
            chain.NoteWritten(at, part);
            if (result != DiskResult.Ok || session.IsOver)
            {
                return BlockStatus.IoError;
            }

            at += (ulong)part;
        }

        return BlockStatus.Ok;
    }

    private BlockStatus Write(VirtioSession session, DescriptorChain chain, ulong sector, ulong length)
    {
        if (length > MostBytes || !IsWithin(sector, length, out long offset))
        {
            return BlockStatus.IoError;
        }

        for (ulong at = 0; at < length;)
        {
            int part = (int)Math.Min(length - at, MostTransferBytes);
            if (_disk.Write(offset + (long)at, chain.GatherReadable(HeaderBytes + at, part)) != DiskResult.Ok || session.IsOver)
            {
                return BlockStatus.IoError;
            }

            at += (ulong)part;
        }

        return Settle();
    }

    private BlockStatus Identify(DescriptorChain chain, ulong room) =>
        chain.TryWrite(0, _serial.AsSpan(0, (int)Math.Min(room, SerialBytes))) ? BlockStatus.Ok : BlockStatus.IoError;

    // Ranges: sector u64, sectors u32, flags u32.
    private BlockStatus Ranges(VirtioSession session, DescriptorChain chain, ulong length, bool zero)
    {
        if (length == 0 || length % RangeBytes != 0 || length / RangeBytes > MostRanges)
        {
            return BlockStatus.IoError;
        }

        Span<byte> range = stackalloc byte[RangeBytes];
        for (ulong at = 0; at < length; at += RangeBytes)
        {
            _ = chain.TryRead(HeaderBytes + at, range);
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(range[12..]);
            if ((flags & ~UnmapFlag) != 0 || (flags != 0 && !zero))
            {
                return BlockStatus.Unsupported;
            }
        }

        for (ulong at = 0; at < length; at += RangeBytes)
        {
            _ = chain.TryRead(HeaderBytes + at, range);
            ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(range);
            uint sectors = BinaryPrimitives.ReadUInt32LittleEndian(range[8..]);
            bool mayUnmap = (BinaryPrimitives.ReadUInt32LittleEndian(range[12..]) & UnmapFlag) != 0;
            if (sectors > MostRangeSectors || !IsWithin(sector, (ulong)sectors * SectorBytes, out long offset)
                || (zero ? Zero(session, offset, (long)sectors * SectorBytes, mayUnmap) : _disk.Discard(offset, (long)sectors * SectorBytes)) != DiskResult.Ok)
            {
                return BlockStatus.IoError;
            }
        }

        return Settle();
    }

    private DiskResult Zero(VirtioSession session, long offset, long length, bool mayUnmap)
    {
        DiskResult result = DiskResult.Ok;
        while (length > 0 && result == DiskResult.Ok)
        {
            long part = Math.Min(length, MostZeroedBytes);
            result = session.IsOver ? DiskResult.IoError : _disk.WriteZeroes(offset, part, mayUnmap);
            (offset, length) = (offset + part, length - part);
        }

        return result;
    }

    /// <summary>What was changed is to stay, where the driver does not say when.</summary>
    private BlockStatus Settle() => !Volatile.Read(ref _writeback) ? StatusOf(_disk.Flush()) : BlockStatus.Ok;

    private bool IsWithin(ulong sector, ulong length, out long offset)
    {
        ulong sectors = (ulong)_disk.SizeBytes / SectorBytes;
        bool within = length % SectorBytes == 0 && sector <= sectors && length / SectorBytes <= sectors - sector;
        offset = within ? (long)(sector * SectorBytes) : 0;
        return within;
    }

    private static BlockStatus StatusOf(DiskResult result) => result == DiskResult.Ok ? BlockStatus.Ok : BlockStatus.IoError;
}
