using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Blocks;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Vdi;

/// <summary>The table of a VDI image: a block's entry is its number in the file.</summary>
/// <remarks>The header counts the blocks that have a place. It is counted anew when an image is opened to be written, since a process may die between the two.</remarks>
internal sealed class VdiMap : IBlockMap
{
    private readonly uint _tableAt;
    private readonly uint _dataAt;
    private readonly uint _blocks;
    private readonly ulong[] _used;
    private uint _hint;
    private uint _added;

    internal VdiMap(IImageFile file, uint tableAt, uint dataAt, int blockBytes, uint blocks, uint counted)
    {
        _tableAt = tableAt;
        _dataAt = dataAt;
        _blocks = blocks;
        BlockBytes = blockBytes;
        _used = new ulong[file.ReadOnly ? 0 : ((long)blocks + 63) / 64];
        if (!file.ReadOnly)
        {
            Count(file, counted);
        }
    }

    /// <inheritdoc/>
    public int BlockBytes { get; }

    /// <inheritdoc/>
    public long EntryOffset(long block) => _tableAt + (block * 4);

    /// <inheritdoc/>
    public bool TryLocate(uint entry, long fileBytes, out long offset)
    {
        offset = 0;
        if (VdiDisk.IsNowhere(entry))
        {
            return true;
        }

        offset = _dataAt + ((long)entry * BlockBytes);
        return entry < _blocks && offset < fileBytes;
    }

    /// <inheritdoc/>
    public DiskResult Take(long fileBytes, out long offset, out uint entry)
    {
        entry = _hint;
        while (entry < _blocks && (_used[entry / 64] >> (int)(entry % 64) & 1) != 0)
        {
            entry++;
        }

        offset = _dataAt + ((long)entry * BlockBytes);
        if (entry >= _blocks)
        {
            return DiskResult.NoSpace;
        }

        _used[entry / 64] |= 1UL << (int)(entry % 64);
        _hint = entry + 1;
        return DiskResult.Ok;
    }

    /// <inheritdoc/>
    public void Added() => Interlocked.Increment(ref _added);

    /// <inheritdoc/>
    public long MirrorOf(long pageOffset) => 0;

    /// <inheritdoc/>
    public DiskResult WriteHeader(IImageFile file)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Volatile.Read(ref _added));
        return file.Write(VdiDisk.AllocatedAt, bytes);
    }

    private void Count(IImageFile file, uint counted)
    {
        byte[] part = new byte[64 << 10];
        for (long at = 0; at < _blocks * 4L; at += part.Length)
        {
            Span<byte> bytes = part.AsSpan(0, (int)Math.Min(part.Length, (_blocks * 4L) - at));
            if (file.Read(_tableAt + at, bytes) != DiskResult.Ok)
            {
                throw new OperatorException($"{file.Name}: its table cannot be read; check the host's disk.");
            }

            for (int i = 0; i < bytes.Length; i += 4)
            {
                uint entry = BinaryPrimitives.ReadUInt32LittleEndian(bytes[i..]);
                if (!VdiDisk.IsNowhere(entry) && entry < _blocks)
                {
                    _used[entry / 64] |= 1UL << (int)(entry % 64);
                    _added++;
                }
            }
        }

        if (_added != counted && WriteHeader(file) != DiskResult.Ok)
        {
            throw new OperatorException($"{file.Name}: its header cannot be written; check the host's disk, or open it read-only.");
        }
    }
}
