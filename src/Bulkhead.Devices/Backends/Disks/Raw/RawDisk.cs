using Bulkhead.Host;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Raw;

/// <summary>A disk whose bytes are those of a file or block device, from an offset on.</summary>
/// <remarks>Where a file does not end at a sector, zeros follow to the end of its last one.</remarks>
internal sealed class RawDisk : IResizableDisk
{
    private readonly IImageFile _file;
    private readonly long _start;
    private readonly bool _whole;
    private long _size;

    private RawDisk(IImageFile file, bool whole, long start, long size)
    {
        _file = file;
        _whole = whole;
        _start = start;
        _size = size;
    }

    /// <inheritdoc/>
    public long SizeBytes => Volatile.Read(ref _size);

    /// <inheritdoc/>
    public bool ReadOnly => _file.ReadOnly;

    /// <summary>A disk that is the whole of a file; takes the file over.</summary>
    internal static RawDisk Open(IImageFile file) => new(file, whole: true, 0, (file.LengthBytes + DiskRange.SectorBytes - 1) & -DiskRange.SectorBytes);

    /// <summary>A disk that is a part of a file; takes the file over.</summary>
    internal static RawDisk Open(IImageFile file, long start, long size) =>
        start >= 0 && size >= 0 && size % DiskRange.SectorBytes == 0 && start <= file.LengthBytes && size <= file.LengthBytes - start
            ? new RawDisk(file, whole: false, start, size)
            : throw new OperatorException($"{file.Name} has {file.LengthBytes} bytes, fewer than its description says; copy it again from where it came.");

    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data) =>
        DiskRange.IsInside(offset, data.Length, SizeBytes) ? _file.Read(_start + offset, data) : DiskResult.IoError;

    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, data.Length);
        return result == DiskResult.Ok ? _file.Write(_start + offset, data) : result;
    }

    /// <inheritdoc/>
    public DiskResult Flush() => ReadOnly ? DiskResult.Ok : _file.Sync();

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, length);
        return result == DiskResult.Ok ? _file.Discard(_start + offset, length) : result;
    }

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        DiskResult result = DiskRange.CheckChange(this, offset, length);
        return result == DiskResult.Ok ? _file.WriteZeroes(_start + offset, length, mayUnmap) : result;
    }

    /// <inheritdoc/>
    public DiskResult Resize(long sizeBytes)
    {
        if (ReadOnly)
        {
            return DiskResult.ReadOnly;
        }

        DiskResult result = _whole ? _file.SetLength(sizeBytes) : DiskResult.IoError;
        if (result == DiskResult.Ok)
        {
            Volatile.Write(ref _size, sizeBytes);
        }

        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
