using System.IO.Pipes;
using Bulkhead.Host.Terminal;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class DescriptorStreamTests
{
    [Fact]
    public void Write_Pipe_CarriesTheBytes()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new DescriptorStream((int)reader.ClientSafePipeHandle.DangerousGetHandle());

        stream.Write("hello"u8);
        byte[] read = new byte[5];
        reader.ReadExactly(read);

        Assert.Equal("hello"u8.ToArray(), read);
        Assert.True(stream.CanWrite);
    }

    [Fact]
    public void Write_NobodyReads_IsDropped()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = new AnonymousPipeClientStream(PipeDirection.Out, reader.GetClientHandleAsString());
        using var stream = new DescriptorStream((int)writer.SafePipeHandle.DangerousGetHandle());

        reader.Dispose();
        stream.Write("hello"u8);

        Assert.Equal((false, null), (stream.CanWrite, stream.Failure));
    }

    [Fact]
    public void Write_NoRoom_SaysWhy()
    {
        using FileStream full = File.OpenWrite("/dev/full");
        using var stream = new DescriptorStream((int)full.SafeFileHandle.DangerousGetHandle());

        stream.Write("hello"u8);

        Assert.Equal((false, "No space left on device"), (stream.CanWrite, stream.Failure));
    }
}
