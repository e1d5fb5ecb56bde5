using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Raw;

/// <summary>A raw disk whose format nobody named: its guest may not make it look like another.</summary>
/// <remarks>
/// Else a guest could write the header of an image whose backing file is any file of the host, and read that after its next start.
/// A write that would is answered with <see cref="DiskResult.IoError"/>; where the operator says "raw" there is nothing to guard.
/// <para><i>Cost</i>: one comparison for writes that do not touch the first sector.</para>
/// </remarks>
internal sealed class ProbedRawDisk(RawDisk disk) : IResizableDisk
{
    private readonly Lock _firstSector = new();

    /// <inheritdoc/>
    public long SizeBytes => disk.SizeBytes;

    /// <inheritdoc/>
    public bool ReadOnly => disk.ReadOnly;

    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data) => disk.Read(offset, data);

    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) =>
        (ulong)offset >= DiskFormats.SignatureBytes || ReadOnly ? disk.Write(offset, data) : WriteFirstSlow(offset, data);

    /// <inheritdoc/>
    public DiskResult Flush() => disk.Flush();

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length) => disk.Discard(offset, length);

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => disk.WriteZeroes(offset, length, mayUnmap);

    /// <inheritdoc/>
    public DiskResult Resize(long sizeBytes) => disk.Resize(sizeBytes);

    /// <inheritdoc/>
    public void Dispose() => disk.Dispose();

    // One at a time, since two halves could make what neither is.
    private DiskResult WriteFirstSlow(long offset, ReadOnlyScatteredBytes data)
    {
        lock (_firstSector)
        {
            Span<byte> head = stackalloc byte[DiskFormats.SignatureBytes];
            DiskResult result = disk.Read(0, head[..(int)Math.Min(head.Length, SizeBytes)]);
            if (result != DiskResult.Ok)
            {
                return result;
            }

            // What was looked at is what is written: the guest may write its memory meanwhile.
            Span<byte> first = head.Slice((int)offset, Math.Min(data.Length, head.Length - (int)offset));
            data[..first.Length].CopyTo(first);
            result = DiskFormats.Detect(head) == DiskFormat.Raw ? disk.Write(offset, first) : DiskResult.IoError;
            return result == DiskResult.Ok && first.Length < data.Length ? disk.Write(offset + first.Length, data[first.Length..]) : result;
        }
    }
}
