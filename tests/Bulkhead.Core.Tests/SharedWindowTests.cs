using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class SharedWindowTests : IDisposable
{
    private const ulong Ram = 2 << 20;
    private readonly SharedMemory _shared = SharedMemory.Create("shared", 8192);
    private readonly GuestMemory _writer;
    private readonly GuestMemory _reader;

    public SharedWindowTests()
    {
        _writer = new GuestMemory("writer", Ram, (_shared, false));
        _reader = new GuestMemory("reader", Ram, (_shared, true));
    }

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
        _shared.Dispose();
    }

    [Fact]
    public void Place_Nowhere_IsNotThere()
    {
        foreach (ulong address in (ulong[])[Ram, 1ul << 32, 1ul << 45, (1ul << 46) - 8, 1ul << 63, ulong.MaxValue - 7])
        {
            Assert.False(_writer.TryReadUInt64(new Gpa(address), out _));
            Assert.Equal(-1, _writer.PageNumber(new Gpa(address)));
        }
    }

    [Fact]
    public void Write_ByOne_IsReadByTheOther_WhereverItStands()
    {
        _writer.Shared[0].Place(0x1_2345_6000);
        _reader.Shared[0].Place(1ul << 44);

        Assert.True(_writer.TryWriteUInt64(new Gpa(0x1_2345_7FF8), 42));
        Assert.True(_reader.TryReadUInt64(new Gpa((1ul << 44) + 0x1FF8), out ulong value));
        Assert.Equal(42ul, value);
        Assert.False(_writer.TryReadUInt64(new Gpa(0x1_2345_8000), out _));
        Assert.False(_writer.TryReadUInt64(new Gpa(0x1_2345_7FF9), out _)); // over its end
    }

    [Fact]
    public void Place_Elsewhere_IsThereAlone()
    {
        _writer.Shared[0].Place(1ul << 40);
        _writer.Shared[0].Place(1ul << 41);

        Assert.False(_writer.Contains(new Gpa(1ul << 40), 1));
        Assert.True(_writer.Contains(new Gpa(1ul << 41), 8192));
        Assert.Equal((int)(Ram >> 12) + 1, _writer.PageNumber(new Gpa((1ul << 41) + 4096)));
    }

    [Fact]
    public void ReadOnlyWindow_IsReadAndNeverWritten()
    {
        _reader.Shared[0].Place(1ul << 40);
        var address = new Gpa(1ul << 40);

        Assert.True(_reader.TryReadUInt64(address, out _));
        Assert.False(_reader.TryWriteUInt64(address, 1));
        Assert.False(_reader.TrySpan(address, 8, out _));
        Assert.False(_reader.Contains(address, 8));
        Assert.True(_reader.IsReadOnly(_reader.PageNumber(address)));
        Assert.False(_writer.IsReadOnly(_writer.PageCount - 1));
    }

    [Fact]
    public void Clear_OfAllOfIt_ReadsAsZeros_AndTakesWrites()
    {
        _writer.Shared[0].Write(8184, [1, 2, 3, 4, 5, 6, 7, 8]);
        _writer.Shared[0].Write(0, [1, 2, 3]);

        _writer.Shared[0].Clear();

        byte[] bytes = new byte[8192];
        _reader.Shared[0].Read(0, bytes);
        Assert.Equal(0, bytes.Sum(static b => b));
        _writer.Shared[0].Write(4096, [9]);
        _reader.Shared[0].Read(4096, bytes.AsSpan(0, 1));
        Assert.Equal(9, bytes[0]);
        Assert.Throws<InvalidOperationException>(_reader.Shared[0].Clear);
    }

    [Fact]
    public void Pages_OfSharedMemory_FollowThoseOfRam()
    {
        Assert.Equal((int)(Ram >> 12), _writer.RamPageCount);
        Assert.Equal(_writer.RamPageCount + 2, _writer.PageCount);
        Assert.False(_writer.IsShared(_writer.RamPageCount - 1));
        Assert.True(_writer.IsShared(_writer.RamPageCount));
    }
}
