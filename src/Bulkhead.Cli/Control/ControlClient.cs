using System.Net.Sockets;
using System.Text.Json;
using Bulkhead.Host;

namespace Bulkhead.Cli.Control;

/// <summary>A connection to a running system, for one request.</summary>
internal sealed class ControlClient : IDisposable
{
    private ControlClient(Socket socket) => Socket = socket;

    /// <summary>The socket; behind the reply it carries a guest's bytes.</summary>
    internal Socket Socket { get; }

    /// <summary>Connects to a system; null where it does not run.</summary>
    internal static ControlClient? TryConnect(string system)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(SystemDirectory.PathOf(system)));
            return new ControlClient(socket);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Asks, and waits for the reply.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with the reply's words and exit code.</remarks>
    internal ControlReply Ask(ControlRequest request)
    {
        string? line;
        try
        {
            ControlLine.Write(Socket, JsonSerializer.Serialize(request, ControlJson.Default.ControlRequest));
            line = ControlLine.Read(Socket);
        }
        catch (SocketException)
        {
            line = null;
        }

        ControlReply? reply = line is null ? null : JsonSerializer.Deserialize(line, ControlJson.Default.ControlReply);
        return reply is null ? throw new OperatorException("The system ended before it answered.")
            : reply.Error is { } error ? throw new OperatorException(error, reply.ExitCode)
            : reply;
    }

    /// <summary>Copies what follows the reply, to its end.</summary>
    internal void CopyTo(Stream stream)
    {
        byte[] chunk = new byte[64 << 10];
        for (int count = Receive(); count > 0; count = Receive())
        {
            stream.Write(chunk, 0, count);
        }

        int Receive()
        {
            try
            {
                return Socket.Receive(chunk);
            }
            catch (SocketException)
            {
                return 0;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();
}
