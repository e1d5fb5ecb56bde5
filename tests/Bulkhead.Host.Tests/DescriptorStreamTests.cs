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
        Assert.False(stream.IsBroken);
    }

    [Fact]
    public void Write_NobodyReads_IsDropped()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = new AnonymousPipeClientStream(PipeDirection.Out, reader.GetClientHandleAsString());
        using var stream = new DescriptorStream((int)writer.SafePipeHandle.DangerousGetHandle());

        reader.Dispose();
        stream.Write("hello"u8);

        Assert.True(stream.IsBroken);
    }
}
