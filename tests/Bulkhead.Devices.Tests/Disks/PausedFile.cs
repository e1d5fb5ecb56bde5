using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A file whose next read, where that is asked for, waits until it is told to go on.</summary>
internal sealed class PausedFile(IImageFile file) : IImageFile
{
    private int _pause;

    internal ManualResetEventSlim Reached { get; } = new();

    internal ManualResetEventSlim Go { get; } = new();

    public string Name => file.Name;

    public bool ReadOnly => file.ReadOnly;

    public long LengthBytes => file.LengthBytes;

    internal void PauseNextRead() => Volatile.Write(ref _pause, 1);

    public DiskResult Read(long offset, ScatteredBytes data)
    {
        if (Interlocked.Exchange(ref _pause, 0) != 0)
        {
            Reached.Set();
            Go.Wait();
        }

        return file.Read(offset, data);
    }

    public DiskResult Write(long offset, ReadOnlyScatteredBytes data) => file.Write(offset, data);

    public DiskResult Sync() => file.Sync();

    public DiskResult Discard(long offset, long length) => file.Discard(offset, length);

    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => file.WriteZeroes(offset, length, mayUnmap);

    public DiskResult SetLength(long length) => file.SetLength(length);

    public void Dispose()
    {
        Reached.Dispose();
        Go.Dispose();
        file.Dispose();
    }
}
