using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>The process that <see cref="KillTests"/> kills: it changes an image without end, and keeps a log of what was answered.</summary>
/// <remarks>
/// Two threads, each in half of the disk. A log is numbers of 4 bytes: n before request n, -n when a flush behind request n was answered.
/// What request n does follows from the seed.
/// </remarks>
public sealed class KilledWriter
{
    internal const int Threads = 2;

    [Fact(Explicit = true)]
    public void Write_UntilKilled()
    {
        string[] arguments = (Environment.GetEnvironmentVariable("BULKHEAD_KILL_CHILD") ?? throw new InvalidOperationException("is started by KillTests")).Split('|');
        var format = Enum.Parse<DiskFormat>(arguments[1]);
        using IDisk disk = DiskImages.Open(arguments[0], new DiskOptions { Format = format });
        int seed = int.Parse(arguments[2], System.Globalization.CultureInfo.InvariantCulture);
        int sectors = (int)(disk.SizeBytes / 512) / Threads;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() => Run(disk, $"{arguments[0]}.log{t}", seed, t, t * sectors, sectors)))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        threads[0].Join();
    }

    /// <summary>What request n of a thread does: 0 a flush, 1 a write, 2 zeros, 3 a discard.</summary>
    internal static (int Kind, int Sector, int Count) RequestOf(int seed, int thread, int number, int first, int sectors)
    {
        var random = new Random((seed * 1_000_003) + (thread * 7919) + number);
        int kind = random.Next(16) switch { < 4 => 0, < 13 => 1, 13 => 2, _ => 3 };
        int count = random.Next(6) == 0 ? random.Next(1, Math.Min(sectors, 600) + 1) : random.Next(1, 17);
        return (kind, first + random.Next(sectors - count + 1), count);
    }

    /// <summary>What a sector holds after a write.</summary>
    internal static void Stamp(Span<byte> sector, int thread, int number, int at)
    {
        for (int i = 0; i < 512; i += 16)
        {
            BinaryPrimitives.WriteInt32LittleEndian(sector[i..], number);
            BinaryPrimitives.WriteInt32LittleEndian(sector[(i + 4)..], at);
            BinaryPrimitives.WriteInt32LittleEndian(sector[(i + 8)..], thread + 1);
            BinaryPrimitives.WriteInt32LittleEndian(sector[(i + 12)..], i);
        }
    }

    private static void Run(IDisk disk, string logPath, int seed, int thread, int first, int sectors)
    {
        using FileStream log = new(logPath, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        Span<byte> line = stackalloc byte[4];
        for (int number = 1; ; number++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(line, number);
            log.Write(line);
            (int kind, int sector, int count) = RequestOf(seed, thread, number, first, sectors);
            DiskResult result;
            switch (kind)
            {
                case 0:
                    result = disk.Flush();
                    break;
                case 1:
                    byte[] data = new byte[count * 512];
                    for (int i = 0; i < count; i++)
                    {
                        Stamp(data.AsSpan(i * 512), thread, number, sector + i);
                    }

                    result = disk.Write(sector * 512L, data);
                    break;
                case 2:
                    result = disk.WriteZeroes(sector * 512L, count * 512L, mayUnmap: (number & 1) != 0);
                    break;
                default:
                    result = disk.Discard(sector * 512L, count * 512L);
                    break;
            }

            if (result != DiskResult.Ok)
            {
                Environment.FailFast($"request {number}: {result}");
            }

            if (kind == 0)
            {
                BinaryPrimitives.WriteInt32LittleEndian(line, -number);
                log.Write(line);
            }
        }
    }
}
