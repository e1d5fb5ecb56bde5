using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks.Blocks;

namespace Bulkhead.Devices.Backends.Disks.Vmdk;

/// <summary>The grain tables of a sparse VMDK extent: a grain's entry is its sector in the file, 0 for nowhere, 1 for zeros.</summary>
/// <remarks>
/// Writing keeps both sets of tables alike. Tables are not added: an image that is written has them all, as every program that makes
/// images to be written lays them out.
/// </remarks>
internal sealed class GrainMap : IBlockMap
{
    private readonly IImageFile _file;
    private readonly VmdkHeader _header;
    private readonly uint[] _directory;
    private readonly Dictionary<long, long> _second = [];
    private readonly int _tableBytes;
    private long _end;

    internal GrainMap(IImageFile file, VmdkHeader header)
    {
        _file = file;
        _header = header;
        _tableBytes = header.TableEntries * 4;
        BlockBytes = header.GrainBytes;
        _directory = ReadDirectory(header.DirectoryAt);
        if (!file.ReadOnly)
        {
            PrepareToWrite();
        }
    }

    /// <inheritdoc/>
    public int BlockBytes { get; }

    /// <inheritdoc/>
    public long EntryOffset(long block)
    {
        long table = block / _header.TableEntries;
        uint sector = table < _directory.Length ? _directory[table] : 0;
        return sector == 0 ? 0 : ((long)sector * DiskRange.SectorBytes) + (block % _header.TableEntries * 4);
    }

    /// <inheritdoc/>
    public bool TryLocate(uint entry, long fileBytes, out long offset)
    {
        offset = 0;
        if (entry == 0 || (entry == 1 && (_header.Flags & VmdkHeader.HasZeroedGrains) != 0))
        {
            return true;
        }

        offset = (long)entry * DiskRange.SectorBytes;

        // Where a guest may write there are no tables.
        return offset < fileBytes && (_file.ReadOnly || offset >= _header.GrainsAt);
    }

    /// <inheritdoc/>
    public DiskResult Take(long fileBytes, out long offset, out uint entry)
    {
        offset = Math.Max(_end, (fileBytes + BlockBytes - 1) & -BlockBytes);
        entry = (uint)(offset / DiskRange.SectorBytes);
        if (offset / DiskRange.SectorBytes > uint.MaxValue)
        {
            return DiskResult.NoSpace;
        }

        _end = offset + BlockBytes;
        return DiskResult.Ok;
    }

    /// <inheritdoc/>
    public void Added()
    {
    }

    /// <inheritdoc/>
    public long MirrorOf(long pageOffset)
    {
        for (long at = pageOffset; at > pageOffset - _tableBytes; at -= DiskRange.SectorBytes)
        {
            if (_second.TryGetValue(at, out long second))
            {
                return second + (pageOffset - at);
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    public DiskResult WriteHeader(IImageFile file) => DiskResult.Ok;

    private uint[] ReadDirectory(long offset)
    {
        byte[] bytes = new byte[_header.DirectoryEntries * 4];
        VmdkHeader.Check(_file, _file.Read(offset, bytes) == DiskResult.Ok, "its directory cannot be read");
        uint[] directory = new uint[bytes.Length / 4];
        for (int i = 0; i < directory.Length; i++)
        {
            directory[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4 * i));
            VmdkHeader.Check(_file, (long)directory[i] * DiskRange.SectorBytes <= _file.LengthBytes - _tableBytes || directory[i] == 0, "a grain table lies outside the file");
        }

        return directory;
    }

    private void PrepareToWrite()
    {
        uint[] second = _header.SecondDirectoryAt == 0 ? [] : ReadDirectory(_header.SecondDirectoryAt);
        var seen = new HashSet<uint>();
        foreach (uint sector in _directory.Concat(second))
        {
            long at = (long)sector * DiskRange.SectorBytes;
            VmdkHeader.Check(_file, sector != 0, "it lacks grain tables, so that it may only be read");
            VmdkHeader.Check(_file, at >= VmdkHeader.Bytes && at + _tableBytes <= _header.GrainsAt && seen.Add(sector), "its grain tables overlap, or stand among the grains");
        }

        for (int i = 0; i < second.Length; i++)
        {
            _second[(long)_directory[i] * DiskRange.SectorBytes] = (long)second[i] * DiskRange.SectorBytes;
        }

        _end = Math.Max(_header.GrainsAt, (_file.LengthBytes + BlockBytes - 1) & -BlockBytes);
    }
}
