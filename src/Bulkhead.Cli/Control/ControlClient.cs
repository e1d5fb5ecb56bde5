using System.Net.Sockets;
using System.Text.Json;
using Bulkhead.Host;

namespace Bulkhead.Cli.Control;

/// <summary>A connection to a running system, for one request.</summary>
internal sealed class ControlClient : IDisposable
{
    /// <summary>How long a system may take to say of itself what it is.</summary>
    internal const int AnswerMs = 5000;

    private readonly string _system;

    private ControlClient(string system, Socket socket) => (_system, Socket) = (system, socket);

    /// <summary>The socket; behind the reply it carries a guest's bytes.</summary>
    internal Socket Socket { get; }

    /// <summary>Connects to a system; null where it does not run.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it takes nobody any more, or has no place.</remarks>
    internal static ControlClient? TryConnect(string system)
    {
        var endPoint = new UnixDomainSocketEndPoint(SystemDirectory.PathOf(system));
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.SendTimeout = AnswerMs; // for Connect as well
            socket.Connect(endPoint);
            socket.SendTimeout = 0;
            return new ControlClient(system, socket);
        }
        catch (SocketException e) when (IsLate(e))
        {
            socket.Dispose();
            throw NoAnswer(system);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Asks, and waits for the reply, at most so long.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with the reply's words and exit code.</remarks>
    internal ControlReply Ask(ControlRequest request, int mostMs = Timeout.Infinite)
    {
        string? line;
        try
        {
            Send(request);
            line = ControlLine.Read(Socket, mostMs);
        }
        catch (SocketException e) when (IsLate(e))
        {
            throw NoAnswer(_system);
        }
        catch (SocketException)
        {
            line = null;
        }

        return ReadReply(line) is not { } reply ? throw new OperatorException("The system ended before it answered.")
            : reply.Error is { } error ? throw new OperatorException(error, reply.ExitCode)
            : reply;
    }

    private static bool IsLate(SocketException e) => e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock;

    private static OperatorException NoAnswer(string system) => new($"system {system} does not answer.");

    // A system that has no room for another client answers without reading.
    private void Send(ControlRequest request)
    {
        try
        {
            ControlLine.Write(Socket, JsonSerializer.Serialize(request, ControlJson.Default.ControlRequest));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            // Its answer may be there all the same.
        }
    }

    private ControlReply? ReadReply(string? line)
    {
        try
        {
            return line is null ? null : JsonSerializer.Deserialize(line, ControlJson.Default.ControlReply);
        }
        catch (JsonException e)
        {
            throw new OperatorException($"system {_system} gave an answer that is not understood: {e.Message}");
        }
    }

    /// <summary>Says that the client wants no more; the system ends what follows the reply.</summary>
    internal void EndSending()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is over already.
        }
    }

    /// <summary>Copies what follows the reply, to its end.</summary>
    internal void CopyTo(Stream stream)
    {
        byte[] chunk = new byte[64 << 10];
        for (int count = Receive(); count > 0 && stream.CanWrite; count = Receive())
        {
            stream.Write(chunk, 0, count);
            stream.Flush(); // for whoever reads it meanwhile
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
