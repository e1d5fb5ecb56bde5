using Bulkhead.Core.Tests;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(DiskFormat.Raw, DiskCache.WriteBack)]
    [InlineData(DiskFormat.Raw, DiskCache.None)]
    [InlineData(DiskFormat.Qcow2, DiskCache.WriteBack)]
    [InlineData(DiskFormat.Qcow2, DiskCache.None)]
    [InlineData(DiskFormat.Vmdk, DiskCache.WriteBack)]
    [InlineData(DiskFormat.Vdi, DiskCache.WriteBack)]
    public void ReadsAndWrites_OfWhatIsThere_TakeNoManagedMemory(DiskFormat format, DiskCache cache)
    {
        using var folder = new TempFolder();
        DiskWork.Create(folder["disk"], format, 4 << 20);
        using IDisk disk = DiskImages.Open(folder["disk"], new DiskOptions { Format = format, Cache = cache });
        byte[] data = new byte[8192];
        for (int at = 0; at < 4 << 20; at += data.Length)
        {
            Assert.Equal(DiskResult.Ok, disk.Write(at, data));
        }

        using var ram = new ScatteredRam(new Random(1), data.Length);
        bool good = true;

        Assert.Equal(0, Allocations.LeastBytes(() => good &= Exercise(disk, data, ram)));
        Assert.True(good);
    }

    private static bool Exercise(IDisk disk, byte[] data, ScatteredRam ram)
    {
        bool good = true;
        for (int i = 0; i < 500; i++)
        {
            long offset = i * 7 % 511 * 8192L;
            good &= disk.Read(offset, data) == DiskResult.Ok && disk.Write(offset + 512, data.AsSpan(0, 4096)) == DiskResult.Ok;
            good &= disk.Read(offset, new ScatteredBytes(ram.Ranges)) == DiskResult.Ok && disk.Write(offset, new ReadOnlyScatteredBytes(ram.Ranges)) == DiskResult.Ok;
        }

        return good;
    }
}
