using Bulkhead.Host.Files;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>A host file or block device as the bytes of an image.</summary>
/// <param name="file">The file; disposed with it.</param>
/// <param name="failed">Is told when the host fails, on the thread of the request.</param>
internal sealed class HostImageFile(BlockFile file, Action<HostFailure>? failed = null) : IImageFile
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
        return ToResult(error, "cannot be read");
    }

    /// <inheritdoc/>
    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) => ToResult(file.Write(offset, data));

    /// <inheritdoc/>
    public DiskResult Sync() => ToResult(file.Sync(), "cannot be brought to stable storage");

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

    private DiskResult ToResult(int error, string what = "cannot be written")
    {
        if (error != Errno.None)
        {
            failed?.Invoke(new HostFailure(file.Path, what, error));
        }

        return error switch
        {
            Errno.None => DiskResult.Ok,
            Errno.NoSpace or Errno.Quota or Errno.TooBig => DiskResult.NoSpace,
            Errno.ReadOnlyFileSystem => DiskResult.ReadOnly,
            _ => DiskResult.IoError,
        };
    }
}
