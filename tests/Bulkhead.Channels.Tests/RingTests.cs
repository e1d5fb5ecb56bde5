using System.Runtime.InteropServices;
using CsCheck;
using Xunit;

namespace Bulkhead.Channels.Tests;

public sealed unsafe class RingTests
{
    private const int Guard = 4096;

    [Fact]
    public void AnyWritesAndReads_AreThoseOfAQueue() => Gen.Select(Gen.Int[200, 3000], Gen.Select(Gen.Bool, Gen.Int[0, 400], Gen.UInt).Array[1, 300]).Sample((bytes, steps) =>
    {
        using var memory = new Memory(bytes);
        var writer = new RingWriter(memory.Pointer, bytes);
        var reader = new RingReader(memory.Pointer, bytes);
        var model = new Queue<(byte[] Bytes, uint Urgency)>();
        byte[] buffer = new byte[bytes];
        foreach ((bool write, int length, uint urgency) in steps)
        {
            if (write)
            {
                byte[] message = [.. Enumerable.Range(0, length).Select(i => (byte)(i * urgency))];
                switch (writer.Write(message, urgency))
                {
                    case RingResult.Ok:
                        model.Enqueue((message, urgency));
                        break;
                    case RingResult.TooSmall:
                        Assert.True(length > writer.MostBytes);
                        break;
                    case var result:
                        Assert.Equal(RingResult.Empty, result);
                        Assert.NotEmpty(model); // into an empty ring whatever may be written fits
                        break;
                }
            }
            else
            {
                RingResult result = reader.Read(buffer, out int read, out uint said);
                Assert.Equal(model.Count == 0 ? RingResult.Empty : RingResult.Ok, result);
                if (model.TryDequeue(out (byte[] Bytes, uint Urgency) expected))
                {
                    Assert.Equal(expected.Bytes, buffer[..read]);
                    Assert.Equal(expected.Urgency, said);
                }
            }
        }

        memory.CheckGuards();
    });

    [Fact]
    public void HostilePeer_TouchesNothingElse_AndIsRefusedOrUnderstood() => Gen.Select(
        Gen.Int[200, 600], Gen.Select(Gen.Int[0, 599], Gen.OneOf(Gen.UInt, Gen.UInt[0, 64], Gen.Const(0xFFFF_FFF8u))).Array[1, 60]).Sample((bytes, pokes) =>
        {
            using var memory = new Memory(bytes);
            var writer = new RingWriter(memory.Pointer, bytes);
            var reader = new RingReader(memory.Pointer, bytes);
            byte[] buffer = new byte[bytes];
            foreach ((int at, uint value) in pokes)
            {
                *(uint*)(memory.Pointer + (at % (bytes - 4) & ~3)) = value;
                _ = writer.Write(buffer.AsSpan(0, Math.Min(at, bytes)), value);
                if (reader.Read(buffer, out int length, out _) == RingResult.Ok)
                {
                    Assert.InRange(length, 0, writer.MostBytes);
                }
            }

            memory.CheckGuards();
        });

    [Fact]
    public void Broken_StaysBroken()
    {
        using var memory = new Memory(512);
        var reader = new RingReader(memory.Pointer, 512);
        *(uint*)memory.Pointer = 4; // no multiple of 8
        Assert.Equal(RingResult.Broken, reader.Read(new byte[8], out _, out _));
        *(uint*)memory.Pointer = 0;
        Assert.Equal(RingResult.Broken, reader.Read(new byte[8], out _, out _));
        Assert.False(reader.TrySleep());
    }

    [Fact]
    public void Sleep_IsToldToTheWriterOnce_AndNotWhereThereIsAMessage()
    {
        using var memory = new Memory(512);
        var writer = new RingWriter(memory.Pointer, 512);
        var reader = new RingReader(memory.Pointer, 512);

        Assert.Equal(RingResult.Ok, writer.Write([1]));
        Assert.False(reader.TrySleep());
        Assert.Equal(RingResult.Ok, reader.Read(new byte[8], out _, out _));
        Assert.True(reader.TrySleep());
        Assert.Equal(RingResult.OkReaderSleeps, writer.Write([2]));
        Assert.Equal(RingResult.Ok, writer.Write([3]));
    }

    [Theory]
    [InlineData(199)]
    [InlineData(0)]
    [InlineData(-1)]
    public void NoRoomForAMessage_IsRefused(int bytes)
    {
        using var memory = new Memory(256);

        Assert.Throws<ArgumentOutOfRangeException>(() => new RingReader(memory.Pointer, bytes));
    }

    private sealed class Memory : IDisposable
    {
        private readonly byte* _all;
        private readonly int _bytes;

        public Memory(int bytes)
        {
            _bytes = bytes;
            _all = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + (2 * Guard)), 4096);
            new Span<byte>(_all, bytes + (2 * Guard)).Fill(0xA5);
            new Span<byte>(Pointer, bytes).Clear();
        }

        public byte* Pointer => _all + Guard;

        public void CheckGuards()
        {
            Assert.False(new Span<byte>(_all, Guard).ContainsAnyExcept((byte)0xA5));
            Assert.False(new Span<byte>(Pointer + _bytes, Guard).ContainsAnyExcept((byte)0xA5));
        }

        public void Dispose() => NativeMemory.AlignedFree(_all);
    }
}
