using System.IO.Pipes;
using Bulkhead.Host.Terminal;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class InputPumpTests
{
    // Only a test that fails waits this long.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public void Pump_BytesThenEnd_DeliversAllAndSaysClosed()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var pipe = new AnonymousPipeClientStream(PipeDirection.Out, reader.ClientSafePipeHandle);
        var client = new RecordingClient(capacity: int.MaxValue);
        using var pump = new InputPump((int)reader.SafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pipe.Write("hello"u8);
        pipe.Dispose();
        Assert.True(client.Closed.WaitOne(Limit));

        Assert.Equal("hello", client.Text);
    }

    [Fact]
    public void Pump_ClientFull_WaitsForResumeAndLosesNothing()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var pipe = new AnonymousPipeClientStream(PipeDirection.Out, reader.ClientSafePipeHandle);
        var client = new RecordingClient(capacity: 2);
        using var pump = new InputPump((int)reader.SafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pipe.Write("hello"u8);
        Assert.True(client.Full.WaitOne(Limit));
        Assert.Equal("he", client.Text);
        client.Grow();
        pump.Resume();
        pipe.Dispose();
        Assert.True(client.Closed.WaitOne(Limit));

        Assert.Equal("hello", client.Text);
    }

    [Fact]
    public void Pump_EndCommandBehindFullClient_ComesThrough()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var pipe = new AnonymousPipeClientStream(PipeDirection.Out, reader.ClientSafePipeHandle);
        var client = new RecordingClient(capacity: 1);
        using var pump = new InputPump((int)reader.SafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pipe.Write("hello\u0001x"u8);
        Assert.True(client.Commanded.WaitOne(Limit));

        Assert.Equal(EscapeCommand.End, client.LastCommand);
    }

    [Fact]
    public void Dispose_NothingTyped_EndsTheThread()
    {
        using var reader = new AnonymousPipeServerStream(PipeDirection.In);
        using var pipe = new AnonymousPipeClientStream(PipeDirection.Out, reader.ClientSafePipeHandle);
        var client = new RecordingClient(capacity: 1);
        var pump = new InputPump((int)reader.SafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pump.Dispose();

        Assert.False(client.Closed.WaitOne(0));
    }
}
