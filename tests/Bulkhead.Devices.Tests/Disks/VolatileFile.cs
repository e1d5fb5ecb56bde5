using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A file whose writes are on stable storage when it was synced, and some of them before: what a host that loses power leaves.</summary>
internal sealed class VolatileFile(byte[] stable) : IImageFile
{
    private readonly Lock _gate = new();
    private readonly List<(long Offset, byte[] Data)> _unsynced = [];
    private byte[] _stable = stable;
    private byte[] _now = [.. stable];

    public string Name => "volatile";

    public bool ReadOnly => false;

    public long LengthBytes => _now.Length;

    /// <summary>Whether writes fail from now on.</summary>
    internal bool Fails { get; set; }

    /// <summary>How long it can become; a write beyond fails.</summary>
    internal long MostBytes { get; set; } = long.MaxValue;

    /// <summary>How many writes succeed before one fails; after that one all succeed again.</summary>
    internal int WritesUntilFailure { get; set; } = int.MaxValue;

    /// <summary>Writes and syncs until the power is lost, which is an exception.</summary>
    internal int StepsLeft { get; set; } = int.MaxValue;

    /// <summary>What is left after a loss of power: of what was not synced, each sector or not.</summary>
    internal byte[] Crash(Random random)
    {
        byte[] left = [.. _stable];
        int odds = random.Next(5);
        foreach ((long offset, byte[] data) in _unsynced)
        {
            for (int at = 0; at < data.Length; at += 512)
            {
                if (random.Next(4) < odds)
                {
                    int count = Math.Min(512, data.Length - at);
                    Grow(ref left, offset + at + count);
                    data.AsSpan(at, count).CopyTo(left.AsSpan((int)offset + at));
                }
            }
        }

        return left;
    }

    public DiskResult Read(long offset, ScatteredBytes data)
    {
        lock (_gate)
        {
            data.Clear();
            int there = (int)Math.Clamp(_now.Length - offset, 0, data.Length);
            data.CopyFrom(_now.AsSpan((int)Math.Min(offset, _now.Length), there));
            return DiskResult.Ok;
        }
    }

    public DiskResult Write(long offset, ReadOnlyScatteredBytes data)
    {
        lock (_gate)
        {
            Step();
            if (Fails || offset + data.Length > MostBytes || WritesUntilFailure-- == 0)
            {
                return DiskResult.NoSpace;
            }

            Grow(ref _now, offset + data.Length);
            byte[] bytes = new byte[data.Length];
            data.CopyTo(bytes);
            bytes.CopyTo(_now, offset);
            _unsynced.Add((offset, bytes));
            return DiskResult.Ok;
        }
    }

    public DiskResult Sync()
    {
        lock (_gate)
        {
            Step();
            _stable = [.. _now];
            _unsynced.Clear();
            return Fails ? DiskResult.IoError : DiskResult.Ok;
        }
    }

    public DiskResult Discard(long offset, long length) => WriteZeroes(offset, Math.Min(length, Math.Max(0, LengthBytes - offset)), mayUnmap: true);

    public DiskResult WriteZeroes(long offset, long length, bool mayUnmap) => Write(offset, new byte[length]);

    public DiskResult SetLength(long length)
    {
        lock (_gate)
        {
            Array.Resize(ref _now, (int)length);
            Array.Resize(ref _stable, (int)length);
            return DiskResult.Ok;
        }
    }

    public void Dispose()
    {
    }

    private void Step()
    {
        if (StepsLeft-- == 0)
        {
            throw new PowerLostException();
        }
    }

    private static void Grow(ref byte[] bytes, long length)
    {
        if (length > bytes.Length)
        {
            Array.Resize(ref bytes, (int)length);
        }
    }
}
