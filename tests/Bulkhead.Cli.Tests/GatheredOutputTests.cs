using Bulkhead.Cli.Machines;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class GatheredOutputTests
{
    [Fact]
    public void Write_MoreThanThereIsRoomFor_AllArrivesInOrder()
    {
        var stream = new MemoryStream();
        byte[] sent = new byte[1_000_003];
        new Random(1).NextBytes(sent);
        using (var output = new GatheredOutput(stream))
        {
            for (int i = 0; i < 1000; i++)
            {
                output.Write(sent.AsSpan(i, 1));
            }

            output.Write(sent.AsSpan(1000));
        }

        Assert.Equal(sent, stream.ToArray());
    }

    [Fact]
    public void Write_StreamThatFails_GuestGoesOn()
    {
        using var output = new GatheredOutput(new BrokenStream());
        for (int i = 0; i < 40; i++)
        {
            output.Write(new byte[10_000]);
        }
    }

    [Fact]
    public void Write_OneByte_GoesOutWithoutAnother()
    {
        var stream = new SignallingStream();
        using var output = new GatheredOutput(stream);
        output.Write("a"u8);
        Assert.True(stream.Written.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");
    }

    private sealed class SignallingStream : MemoryStream
    {
        internal ManualResetEventSlim Written { get; } = new();

        public override void Write(ReadOnlySpan<byte> buffer) => Written.Set();

        protected override void Dispose(bool disposing)
        {
            Written.Dispose();
            base.Dispose(disposing);
        }
    }
}
