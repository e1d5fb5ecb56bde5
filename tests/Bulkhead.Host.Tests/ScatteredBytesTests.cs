using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class ScatteredBytesTests : IDisposable
{
    private const int RamBytes = 1 << 16;

    private readonly PrivateMemory _ram = new(RamBytes);

    public void Dispose() => _ram.Dispose();

    [Fact]
    public void Slice_OfRandomPieces_IsTheSameAsOfThemInOne()
    {
        var random = new Random(1);
        for (int round = 0; round < 500; round++)
        {
            byte[] model = new byte[random.Next(3000)];
            random.NextBytes(model);
            MemoryRange[] ranges = Place(random, model);
            int start = random.Next(model.Length + 1);
            int length = random.Next(model.Length - start + 1);
            int inside = random.Next(length + 1);
            ReadOnlyScatteredBytes slice = new ReadOnlyScatteredBytes(ranges).Slice(start, length)[inside..];

            Assert.Equal(length - inside, slice.Length);
            Assert.Equal(slice.Length == 0, slice.First.IsEmpty);
            byte[] copied = new byte[slice.Length];
            slice.CopyTo(copied);
            Assert.Equal(model[(start + inside)..(start + length)], copied);
        }
    }

    [Fact]
    public void Describe_RandomPieces_NamesNoByteMore()
    {
        var random = new Random(2);
        for (int round = 0; round < 500; round++)
        {
            byte[] model = new byte[random.Next(1, 3000)];
            random.NextBytes(model);
            MemoryRange[] ranges = Place(random, model);
            int start = random.Next(model.Length);
            int length = random.Next(1, model.Length - start + 1);
            ReadOnlyScatteredBytes slice = new ReadOnlyScatteredBytes(ranges).Slice(start, length);
            var described = new MemoryRange[random.Next(1, slice.MostRanges + 1)];
            int count = slice.Describe(described);

            byte[] named = [.. Enumerable.Range(0, count).SelectMany(i => described[i].Span.ToArray())];
            Assert.Equal(model[start..(start + named.Length)], named);
            Assert.True(count == described.Length || named.Length == length, $"{count} of {described.Length} ranges for {named.Length} of {length} bytes");
        }
    }

    [Fact]
    public void Write_SliceOfPieces_ChangesItAndNothingElse()
    {
        var random = new Random(3);
        for (int round = 0; round < 500; round++)
        {
            byte[] model = new byte[random.Next(3000)];
            random.NextBytes(model);
            MemoryRange[] ranges = Place(random, model);
            int start = random.Next(model.Length + 1);
            byte[] written = new byte[random.Next(model.Length - start + 1)];
            random.NextBytes(written);
            ScatteredBytes slice = new ScatteredBytes(ranges)[start..];
            slice.CopyFrom(written);
            slice[written.Length..].Clear();

            written.CopyTo(model, start);
            model.AsSpan(start + written.Length).Clear();
            byte[] now = new byte[model.Length];
            new ReadOnlyScatteredBytes(ranges).CopyTo(now);
            Assert.Equal(model, now);
        }
    }

    [Theory]
    [InlineData(0, 0, 512, true)]
    [InlineData(1, 0, 512, false)]
    [InlineData(0, 1, 512, false)]
    [InlineData(0, 0, 511, false)]
    public void IsAligned_Pieces_LooksAtAddressesAndLengths(int address, int start, int end, bool expected)
    {
        MemoryRange[] ranges = [Range(4096 + address, 512), Range(1024, 512)];
        Assert.Equal(expected, new ReadOnlyScatteredBytes(ranges).Slice(start, 512 + end - start).IsAligned(512));
    }

    [Fact]
    public void IsAligned_WhatMayMove_IsNot() => Assert.False(((ReadOnlyScatteredBytes)new byte[4096]).IsAligned(1));

    [Fact]
    public void Slice_BehindTheEnd_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ReadOnlyScatteredBytes([Range(0, 4), Range(8, 4)]).Slice(5, 4).Length);

    // Pieces of any length, none included, each behind the other with room between.
    private MemoryRange[] Place(Random random, ReadOnlySpan<byte> bytes)
    {
        var ranges = new List<MemoryRange>();
        for (int at = random.Next(8); bytes.Length > 0 || random.Next(4) > 0;)
        {
            MemoryRange range = Range(at, random.Next(4) == 0 ? 0 : random.Next(Math.Min(bytes.Length, 700) + 1));
            bytes[..range.Length].CopyTo(range.Span);
            bytes = bytes[range.Length..];
            ranges.Add(range);
            at += range.Length + random.Next(5);
        }

        return [.. ranges];
    }

    // SAFETY: inside the mapping, which outlives the test's ranges.
    private unsafe MemoryRange Range(int at, int length) =>
        at + length <= RamBytes ? new MemoryRange(_ram.Pointer + at, length) : throw new ArgumentOutOfRangeException(nameof(length));
}
