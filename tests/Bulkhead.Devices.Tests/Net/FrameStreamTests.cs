using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Host.Network;
using CsCheck;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Bulkhead.Devices.Tests.Net;

public sealed class FrameStreamTests
{
    [Fact]
    public void Frames_OfAnySizes_ArriveWholeAndInOrder() => Gen.Int[1, 65_550].Array[1, 30].Sample(
        lengths =>
        {
            using var near = new FrameStream(StreamSocket.CreatePair(out SafeFileHandle theirs), 1500);
            using var far = new FileStream(theirs, FileAccess.ReadWrite, 0);
            byte[] echo = new byte[1 << 17];
            foreach (int length in lengths)
            {
                Span<byte> frame = near.BeginFrame(default, length);
                frame.Fill((byte)length);
                near.CommitFrame();
                Assert.True(near.Send());

                // The other side has it as one length and one frame, and sends it back in two parts.
                far.ReadExactly(echo, 0, 4 + length);
                Assert.Equal(length, BinaryPrimitives.ReadInt32BigEndian(echo));
                far.Write(echo, 0, 3);
                Assert.True(near.PeekFrame(out _).IsEmpty);
                far.Write(echo, 3, 1 + length);
                ReadOnlySpan<byte> back = near.PeekFrame(out _);
                Assert.Equal(length, back.Length);
                Assert.False(back.ContainsAnyExcept((byte)length));
                near.DropFrame();
            }
        },
        iter: 30);

    [Fact]
    public void BeginFrame_NobodyReads_HasNoRoomAtSomeTime_AndLosesNothing()
    {
        using var near = new FrameStream(StreamSocket.CreatePair(out SafeFileHandle theirs), 1500);
        using var far = new FileStream(theirs, FileAccess.ReadWrite, 0);
        int count = 0;
        while (near.BeginFrame(default, 9000) is { IsEmpty: false } frame)
        {
            frame.Fill((byte)count++);
            near.CommitFrame();
            Assert.True(near.Send());
        }

        Assert.True(near.IsBlocked);
        byte[] one = new byte[9004];
        for (int i = 0; i < count; i++)
        {
            far.ReadExactly(one);
            Assert.Equal((byte)i, one[4]);
            Assert.True(near.Send());
        }

        Assert.False(near.IsBlocked);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(65_551u)]
    [InlineData(0xFFFF_FFFFu)]
    public void PeekFrame_LengthThatIsNone_EndsTheStream(uint length)
    {
        using var near = new FrameStream(StreamSocket.CreatePair(out SafeFileHandle theirs), 1500);
        using var far = new FileStream(theirs, FileAccess.ReadWrite, 0);
        byte[] bytes = new byte[100];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, length);
        far.Write(bytes);

        Assert.True(near.PeekFrame(out _).IsEmpty);
        Assert.False(near.Send());
        Assert.False(near.BeginFrame(default, 100).IsEmpty); // into nothing, so that the driver goes on
    }

    [Fact]
    public void Send_OtherEndGone_SaysSo()
    {
        using var near = new FrameStream(StreamSocket.CreatePair(out SafeFileHandle theirs), 1500);
        theirs.Dispose();

        Assert.True(near.PeekFrame(out _).IsEmpty);
        Assert.False(near.Send());
    }
}
