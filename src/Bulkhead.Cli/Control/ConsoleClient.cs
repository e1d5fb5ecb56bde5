using System.Net.Sockets;
using System.Runtime.InteropServices;
using Bulkhead.Host.Terminal;

namespace Bulkhead.Cli.Control;

/// <summary>This terminal as a guest's: the operator's end of <c>console</c> and <c>logs</c>.</summary>
/// <remarks><i>Threading</i>: what is typed comes on the pump's thread.</remarks>
internal sealed class ConsoleClient : ITerminalClient
{
    private const byte Detach = 0x1D; // Ctrl-]
    private const int ChunkBytes = 4096;

    private readonly Socket _socket;
    private volatile bool _detached;

    private ConsoleClient(Socket socket) => _socket = socket;

    /// <summary>Prints what comes until the other side ends, or nobody takes it any more.</summary>
    internal static void Copy(Socket socket, Stream output)
    {
        byte[] chunk = new byte[ChunkBytes];
        try
        {
            for (int count = socket.Receive(chunk); count > 0 && output.CanWrite; count = socket.Receive(chunk))
            {
                output.Write(chunk.AsSpan(0, count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The system ended, we detached, or nobody reads what we print.
        }
    }

    /// <summary>Prints what comes and sends what is typed, until detached or the other side ends.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="output">Where it is printed.</param>
    /// <param name="resize">Called with the size of this terminal, and again when it has another.</param>
    internal static void Attach(Socket socket, Stream output, Action<TerminalSize> resize)
    {
        var client = new ConsoleClient(socket);
        using PosixSignalRegistration? resized = OperatingSystem.IsLinux() ? PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Tell()) : null;
        Tell();
        using RawTerminal? terminal = RawTerminal.TryEnter(0);
        using var pump = new InputPump(0, client);
        pump.Start();
        Copy(socket, output);
        if (client._detached && terminal is not null)
        {
            Console.Error.Write("\r\ndetached\r\n");
        }

        void Tell()
        {
            if (TerminalSize.TryRead(0, out TerminalSize size))
            {
                resize(size);
            }
        }
    }

    /// <inheritdoc/>
    public int Input(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf(Detach);
        ReadOnlySpan<byte> wanted = end < 0 ? bytes : bytes[..end];
        try
        {
            while (!wanted.IsEmpty)
            {
                wanted = wanted[_socket.Send(wanted)..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return bytes.Length;
        }

        if (end >= 0)
        {
            Leave();
        }

        return bytes.Length;
    }

    /// <inheritdoc/>
    public void Command(EscapeCommand command)
    {
        if (command == EscapeCommand.End)
        {
            Leave();
        }
        else
        {
            Console.Error.Write("\r\nCtrl-], Ctrl-A x  detach; the guest goes on\r\nCtrl-A Ctrl-A     send Ctrl-A to the guest\r\n");
        }
    }

    /// <inheritdoc/>
    public void InputClosed()
    {
    }

    /// <inheritdoc/>
    public void Failed(Exception fault) => Leave();

    private void Leave()
    {
        _detached = true;
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }
}
