using Bulkhead.Devices.Backends.Disks;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Machine.Devices;

internal static class DiskFiles
{
    internal static IDisk Open(DiskRequest request) => new Plain(File.OpenHandle(request.Path, FileMode.Open, request.ReadOnly ? FileAccess.Read : FileAccess.ReadWrite), request.ReadOnly);

    private sealed class Plain(SafeFileHandle handle, bool readOnly) : IDisk
    {
        public long SizeBytes { get; } = RandomAccess.GetLength(handle);

        public bool ReadOnly => readOnly;

        public DiskResult Read(long offset, Span<byte> data)
        {
            RandomAccess.Read(handle, data, offset);
            return DiskResult.Ok;
        }

        public DiskResult Write(long offset, ReadOnlySpan<byte> data)
        {
            RandomAccess.Write(handle, data, offset);
            return DiskResult.Ok;
        }

        public DiskResult Flush()
        {
            RandomAccess.FlushToDisk(handle);
            return DiskResult.Ok;
        }

        public DiskResult Discard(long offset, long length) => DiskResult.Ok;

        public DiskResult WriteZeroes(long offset, long length, bool mayUnmap)
        {
            RandomAccess.Write(handle, new byte[length], offset);
            return DiskResult.Ok;
        }

        public void Dispose() => handle.Dispose();
    }
}
