using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>What a disk should hold, byte by byte, and random requests to both, in one piece or scattered.</summary>
internal sealed class DiskModel(byte[] bytes, int seed)
{
    private readonly Random _random = new(seed);

    internal byte[] Bytes { get; private set; } = bytes;

    /// <summary>Makes random requests and compares every answer.</summary>
    internal void Exercise(IDisk disk, int requests)
    {
        for (int i = 0; i < requests; i++)
        {
            (int offset, int length) = Range();
            switch (_random.Next(10))
            {
                case < 4:
                    Write(disk, offset, length);
                    break;
                case < 7:
                    Compare(disk, offset, length);
                    break;
                case 7:
                    Assert.Equal(DiskResult.Ok, disk.WriteZeroes(offset, length, mayUnmap: _random.Next(2) == 0));
                    Bytes.AsSpan(offset, length).Clear();
                    break;
                case 8:
                    Discard(disk, offset, length);
                    break;
                default:
                    Assert.Equal(DiskResult.Ok, disk.Flush());
                    break;
            }
        }
    }

    /// <summary>Compares the whole disk.</summary>
    internal void CompareAll(IDisk disk)
    {
        Assert.Equal(Bytes.Length, disk.SizeBytes);
        Compare(disk, 0, Bytes.Length);
    }

    internal void Grow(int length)
    {
        byte[] longer = new byte[length];
        Bytes.CopyTo(longer, 0);
        Bytes = longer;
    }

    internal void Write(IDisk disk, int offset, int length)
    {
        byte[] data = new byte[length];
        _random.NextBytes(data);
        if (_random.Next(2) == 0)
        {
            using var ram = new ScatteredRam(_random, length);
            ram.Put(data);
            Assert.Equal(DiskResult.Ok, disk.Write(offset, new ReadOnlyScatteredBytes(ram.Ranges)));
        }
        else
        {
            Assert.Equal(DiskResult.Ok, disk.Write(offset, data));
        }

        data.CopyTo(Bytes, offset);
    }

    // Afterwards every sector is as before or zeros; which, the disk decides.
    private void Discard(IDisk disk, int offset, int length)
    {
        Assert.Equal(DiskResult.Ok, disk.Discard(offset, length));
        byte[] now = new byte[length];
        Assert.Equal(DiskResult.Ok, disk.Read(offset, now));
        for (int at = 0; at < length; at += 512)
        {
            Span<byte> sector = now.AsSpan(at, 512);
            Assert.True(!sector.ContainsAnyExcept((byte)0) || sector.SequenceEqual(Bytes.AsSpan(offset + at, 512)), $"sector at {offset + at} is neither as before nor zeros");
            sector.CopyTo(Bytes.AsSpan(offset + at));
        }
    }

    private void Compare(IDisk disk, int offset, int length)
    {
        byte[] data = new byte[length];
        if (_random.Next(2) == 0)
        {
            using var ram = new ScatteredRam(_random, length);
            Assert.Equal(DiskResult.Ok, disk.Read(offset, new ScatteredBytes(ram.Ranges)));
            ram.Get(data);
        }
        else
        {
            _random.NextBytes(data);
            Assert.Equal(DiskResult.Ok, disk.Read(offset, data));
        }

        int wrong = data.AsSpan().CommonPrefixLength(Bytes.AsSpan(offset, length));
        Assert.True(wrong == length, $"byte {offset + wrong} is {(wrong < length ? data[wrong] : 0)}, not {(wrong < length ? Bytes[offset + wrong] : 0)}, in a read of {length} at {offset}");
    }

    // In sectors: mostly short, some over many clusters, some to the very end.
    private (int Offset, int Length) Range()
    {
        int sectors = Bytes.Length / 512;
        int length = _random.Next(4) == 0 ? _random.Next(1, Math.Min(sectors, 1024) + 1) : _random.Next(1, Math.Min(sectors, 40) + 1);
        int offset = _random.Next(8) == 0 ? sectors - length : _random.Next(sectors - length + 1);
        return (offset * 512, length * 512);
    }
}
