using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>A guest's buffer that stands in many places of its RAM, in any order, with bytes between that are nobody's.</summary>
internal sealed class ScatteredRam : IDisposable
{
    private const byte Nobodys = 0xA5;

    private readonly GuestMemory _memory;
    private readonly List<(Gpa Address, int Length)> _pieces = [];
    private readonly MemoryRange[] _ranges;

    /// <summary>A buffer of some length; half of them in whole sectors that stand at sectors.</summary>
    internal ScatteredRam(Random random, int length)
    {
        int unit = random.Next(2) == 0 ? 1 : 512;
        int most = random.Next(1, 9) * 1024;
        for (int left = length; left > 0;)
        {
            int piece = left < unit ? left : Math.Min(left / unit, random.Next(1, Math.Max(2, most / unit))) * unit;
            _pieces.Add((default, piece));
            left -= piece;
        }

        int[] order = [.. Enumerable.Range(0, _pieces.Count)];
        random.Shuffle(order);
        ulong at = 0;
        foreach (int i in order)
        {
            at += (ulong)(random.Next(3) * unit);
            _pieces[i] = (new Gpa(at), _pieces[i].Length);
            at += (ulong)_pieces[i].Length;
        }

        _memory = new GuestMemory("scattered", (at + 8191) & ~4095ul);
        Assert.True(_memory.TrySpan(new Gpa(0), (int)_memory.SizeBytes, out Span<byte> all));
        all.Fill(Nobodys);
        _ranges = new MemoryRange[_pieces.Count];
        for (int i = 0; i < _ranges.Length; i++)
        {
            Assert.True(_memory.TryRange(_pieces[i].Address, _pieces[i].Length, out _ranges[i]));
        }
    }

    /// <summary>Where it stands.</summary>
    internal ReadOnlySpan<MemoryRange> Ranges => _ranges;

    public void Dispose() => _memory.Dispose();

    /// <summary>Writes all of it, piece by piece.</summary>
    internal void Put(ReadOnlySpan<byte> bytes)
    {
        foreach ((Gpa address, int length) in _pieces)
        {
            Assert.True(_memory.TryWrite(address, bytes[..length]));
            bytes = bytes[length..];
        }
    }

    /// <summary>Reads all of it, piece by piece, and looks that nothing else was touched.</summary>
    internal void Get(Span<byte> bytes)
    {
        foreach ((Gpa address, int length) in _pieces)
        {
            Assert.True(_memory.TryRead(address, bytes[..length]));
            Assert.True(_memory.TrySpan(address, length, out Span<byte> piece));
            piece.Fill(Nobodys);
            bytes = bytes[length..];
        }

        Assert.True(_memory.TrySpan(new Gpa(0), (int)_memory.SizeBytes, out Span<byte> all));
        Assert.False(all.ContainsAnyExcept(Nobodys));
    }
}
