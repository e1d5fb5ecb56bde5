using System.Net.Sockets;
using Bulkhead.Host;

namespace Bulkhead.Cli.Control;

/// <summary>Listens on a UNIX socket that only its user may open.</summary>
internal static class UnixListener
{
    /// <summary>Listens; a socket nobody listens on any more is replaced.</summary>
    /// <param name="path">The socket's path.</param>
    /// <param name="what">What stands before the path in an error.</param>
    /// <param name="backlog">How many clients may wait.</param>
    internal static Socket Listen(string path, string what, int backlog)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            var end = new UnixDomainSocketEndPoint(path);
            RemoveStale(path, end);
            listener.Bind(end);
            if (OperatingSystem.IsLinux())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            listener.Listen(backlog);
            return listener;
        }
        catch (Exception e)
        {
            listener.Dispose();
            if (e is SocketException or ArgumentException or IOException or UnauthorizedAccessException)
            {
                throw new OperatorException(
                    $"{what}{path}: {e.Message.TrimEnd('.')}; give the path of a new socket, at most 107 bytes long, in a folder that can be written.", 2);
            }

            throw;
        }
    }

    /// <summary>Whether somebody listens on a path.</summary>
    internal static bool IsServed(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return false;
        }
    }

    private static void RemoveStale(string path, UnixDomainSocketEndPoint end)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(end);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path);
            return;
        }
        catch (SocketException)
        {
            throw new IOException("there is a file of that name");
        }

        throw new IOException("somebody listens there already");
    }

    // Connecting to an ordinary file is refused as well; unlike a socket it can be opened (for both: a pipe would wait).
    private static bool IsSocket(string path)
    {
        try
        {
            using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e is IOException;
        }
    }
}
