using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using CsCheck;
using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class GuestMemoryTests
{
    private const ulong Size = 1 << 20;

    [Fact]
    public void TryReadAndWrite_AnyRange_TouchRamOnly()
    {
        using var memory = new GuestMemory("test", Size);
        Gen<ulong> address = Gen.OneOf(Gen.ULong[Size - 64, Size + 64], Gen.ULong, Gen.ULong[ulong.MaxValue - 64, ulong.MaxValue], Gen.ULong[0, 64]);
        Gen.Select(address, Gen.Int[0, 128]).Sample((at, length) =>
        {
            bool inside = at < Size && (ulong)length <= Size - at;
            byte[] bytes = new byte[length];
            Assert.Equal(inside, memory.TryWrite(new Gpa(at), bytes));
            Assert.Equal(inside, memory.TryRead(new Gpa(at), bytes));
            Assert.Equal(inside, memory.Contains(new Gpa(at), (ulong)length));
        });
    }

    [Fact]
    public void TryWrite_AcrossTheEnd_WritesNothing()
    {
        using var memory = new GuestMemory("test", Size);
        byte[] last = [1, 2, 3, 4];
        Assert.True(memory.TryWrite(new Gpa(Size - 4), last));

        Assert.False(memory.TryWrite(new Gpa(Size - 4), new byte[5]));

        Assert.True(memory.TryRead(new Gpa(Size - 4), last));
        Assert.Equal([1, 2, 3, 4], last);
    }

    [Fact]
    public void TryDiscard_WholePagesOfRam_ReadAsZeros()
    {
        using var shared = SharedMemory.Create("shared", 4096);
        using var memory = new GuestMemory("test", Size, (shared, false));
        memory.Shared[0].Place(0x1_0000_0000);
        byte[] ones = [.. Enumerable.Repeat((byte)1, 12288)];
        memory.TryWrite(new Gpa(0), ones);
        memory.TryWrite(new Gpa(0x1_0000_0000), [1]);

        Assert.True(memory.TryDiscard(new Gpa(4096), 4096));
        Assert.False(memory.TryDiscard(new Gpa(0), 0));
        Assert.False(memory.TryDiscard(new Gpa(1), 4096));
        Assert.False(memory.TryDiscard(new Gpa(0), 4095));
        Assert.False(memory.TryDiscard(new Gpa(Size - 4096), 8192));
        Assert.False(memory.TryDiscard(new Gpa(0x1_0000_0000), 4096)); // others have it too

        memory.TryRead(new Gpa(0), ones);
        Assert.Equal([1, 0, 1], new[] { ones[4095], ones[4096], ones[8192] });
        Assert.Equal(0, ones[8191]);
        memory.TryRead(new Gpa(0x1_0000_0000), ones.AsSpan(0, 1));
        Assert.Equal(1, ones[0]);
    }

    [Fact]
    public void TryRead_AroundTheHole_SeesTwoRanges()
    {
        using var memory = new GuestMemory("test", GuestMemory.HoleStart + Size);
        Assert.True(memory.TryWriteUInt64(new Gpa(GuestMemory.HoleStart - 8), 1));
        Assert.True(memory.TryWriteUInt64(new Gpa(GuestMemory.HighStart), 2));
        Assert.True(memory.TryWriteUInt64(new Gpa(GuestMemory.HighStart + Size - 8), 3));

        Assert.False(memory.TryReadUInt64(new Gpa(GuestMemory.HoleStart - 4), out _));
        Assert.False(memory.TryReadUInt64(new Gpa(GuestMemory.HighStart - 8), out _));
        Assert.False(memory.TryReadUInt64(new Gpa(GuestMemory.HighStart + Size - 4), out _));
        Assert.True(memory.TryReadUInt64(new Gpa(GuestMemory.HoleStart - 8), out ulong low));
        Assert.True(memory.TryReadUInt64(new Gpa(GuestMemory.HighStart), out ulong high));
        Assert.Equal((1UL, 2UL), (low, high));
    }

    [Theory]
    [InlineData(0UL, 0)]
    [InlineData(0x1FFFUL, 1)]
    [InlineData(Size, -1)]
    [InlineData(ulong.MaxValue, -1)]
    public void PageNumber_Address_IsItsPage(ulong address, int page)
    {
        using var memory = new GuestMemory("test", Size);

        Assert.Equal(page, memory.PageNumber(new Gpa(address)));
    }
}
