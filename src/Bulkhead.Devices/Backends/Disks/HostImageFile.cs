using Bulkhead.Host.Files;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>A host file or block device as the bytes of an image.</summary>
internal sealed class HostImageFile(BlockFile file) : IImageFile
{
    private static readonly byte[] s_zeros = new byte[64 << 10];

    /// <inheritdoc/>
    public string Name => file.Path;

    /// <inheritdoc/>
    public bool ReadOnly => file.ReadOnly;

    /// <inheritdoc/>
    public long LengthBytes => file.LengthBytes;

    /// <summary>The host's file.</summary>
    internal BlockFile Host => file;

    /// <inheritdoc/>
    public DiskResult Read(long offset, ScatteredBytes data)
    {
        int error = file.Read(offset, data, out int count);
        data[count..].Clear();
        return ToResult(error);
    }

    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) => ToResult(file.Write(offset, data));

    /// <inheritdoc/>
    public DiskResult Sync() => ToResult(file.Sync());

    /// <inheritdoc/>
    public DiskResult Discard(long offset, long length)
    {
        int error = length == 0 ? Errno.None : file.PunchHole(offset, length);
        return error == Errno.NotSupported ? DiskResult.Ok : ToResult(error);
    }

    /// <inheritdoc/>
    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap)
    {
        if (length == 0)
        {
            return DiskResult.Ok;
        }

        // A short range costs less to write than to describe.
        int error = mayUnmap ? file.PunchHole(offset, length) : Errno.NotSupported;
        if (error == Errno.NotSupported && length > s_zeros.Length)
        {
            error = file.ZeroRange(offset, length);
        }

        while (error == Errno.NotSupported && length > 0)
        {
            int part = (int)Math.Min(length, s_zeros.Length);
            int written = file.Write(offset, s_zeros.AsSpan(0, part));
            if (written != Errno.None)
            {
                return ToResult(written);
            }

            offset += part;
            length -= part;
        }

        return error == Errno.NotSupported ? DiskResult.Ok : ToResult(error);
    }

    /// <inheritdoc/>
    public DiskResult SetLength(long length) => ToResult(file.SetLength(length));

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static DiskResult ToResult(int error) => error switch
    {
        Errno.None => DiskResult.Ok,
        Errno.NoSpace or Errno.Quota or Errno.TooBig => DiskResult.NoSpace,
        Errno.ReadOnlyFileSystem => DiskResult.ReadOnly,
        _ => DiskResult.IoError,
    };
}
