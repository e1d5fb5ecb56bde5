using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Net;
using Xunit;

namespace Bulkhead.Devices.Tests.Net;

public sealed class FrameRingTests
{
    [Fact]
    public void Blocks_OfSeveralThreads_ArriveWhole_EachThreadsInOrder()
    {
        const int threads = 3;
        const int each = 20_000;
        var ring = new FrameRing(1 << 14);
        Thread[] putters = [.. Enumerable.Range(0, threads).Select(t => new Thread(() =>
        {
            for (int i = 0; i < each; i++)
            {
                int length = 8 + ((i * 37) % 3000);
                int at;
                Span<byte> room;
                while (!ring.TryReserve(length, out at, out room))
                {
                    Thread.Yield();
                }

                BinaryPrimitives.WriteInt32LittleEndian(room, t);
                BinaryPrimitives.WriteInt32LittleEndian(room[4..], i);
                room[8..].Fill((byte)i);
                ring.Commit(at, length);
            }
        }))];
        Array.ForEach(putters, static t => t.Start());
        int[] next = new int[threads];
        while (next.Sum() < threads * each)
        {
            Span<byte> block = ring.Peek();
            if (block.IsEmpty)
            {
                Thread.Yield();
                continue;
            }

            int t = BinaryPrimitives.ReadInt32LittleEndian(block);
            int i = BinaryPrimitives.ReadInt32LittleEndian(block[4..]);
            Assert.Equal(next[t]++, i);
            Assert.Equal(8 + ((i * 37) % 3000), block.Length);
            Assert.False(block[8..].ContainsAnyExcept((byte)i));
            ring.Drop();
        }

        Array.ForEach(putters, static t => t.Join());
    }

    [Fact]
    public void Block_NotCommitted_HoldsBackThoseBehindIt()
    {
        var ring = new FrameRing(1024);
        Assert.True(ring.TryReserve(10, out int first, out _));
        Assert.True(ring.TryReserve(20, out int second, out _));
        ring.Commit(second, 20);
        Assert.True(ring.Peek().IsEmpty);
        ring.Commit(first, 10);
        Assert.Equal(10, ring.Peek().Length);
        ring.Drop();
        Assert.Equal(20, ring.Peek().Length);
    }
}
