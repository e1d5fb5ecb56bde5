using System.IO.Pipes;
using Bulkhead.Host.Terminal;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class InputPumpTests
{
    [Fact]
    public void Pump_BytesThenEnd_DeliversAllAndSaysClosed()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var client = new RecordingClient(capacity: int.MaxValue);
        using var pump = new InputPump((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pipe.Write("hello"u8);
        pipe.Dispose();
        client.Closed.WaitOne();

        Assert.Equal("hello", client.Text);
    }

    [Fact]
    public void Pump_ClientFull_WaitsForResumeAndLosesNothing()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var client = new RecordingClient(capacity: 2);
        using var pump = new InputPump((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pipe.Write("hello"u8);
        client.Full.WaitOne();
        Assert.Equal("he", client.Text);
        client.Grow();
        pump.Resume();
        pipe.Dispose();
        client.Closed.WaitOne();

        Assert.Equal("hello", client.Text);
    }

    [Fact]
    public void Pump_EndCommandBehindFullClient_ComesThrough()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var client = new RecordingClient(capacity: 1);
        using var pump = new InputPump((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pipe.Write("hello\u0001x"u8);
        client.Commanded.WaitOne();

        Assert.Equal(EscapeCommand.End, client.LastCommand);
    }

    [Fact]
    public void Dispose_NothingTyped_EndsTheThread()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var client = new RecordingClient(capacity: 1);
        var pump = new InputPump((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), client);
        pump.Start();

        pump.Dispose();

        Assert.False(client.Closed.WaitOne(0));
    }
}
