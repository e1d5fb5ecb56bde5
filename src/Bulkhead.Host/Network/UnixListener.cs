using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Network;

/// <summary>Listens at a path for streams of other processes of its user.</summary>
/// <remarks>It removes its path at the end, and at the start one that nobody listens at any more. <i>Threading</i>: one thread accepts, any disposes.</remarks>
public sealed unsafe class UnixListener : IDisposable
{
    private const int Backlog = 128;
    private const int UserReadsAndWrites = 0x180; // 0600

    private readonly SafeFileHandle _handle;
    private readonly UnixAddress _address;
    private readonly int _flags;

    private UnixListener(int descriptor, UnixAddress address, int flags) =>
        (_handle, _address, _flags) = (new SafeFileHandle(descriptor, ownsHandle: true), address, flags);

    /// <summary>To wait at.</summary>
    public SafeHandle Handle => _handle;

    /// <summary>Starts to listen.</summary>
    /// <param name="path">Where; there may be a socket that nobody listens at any more.</param>
    /// <param name="waits">Whether <see cref="Accept"/> waits.</param>
    /// <param name="what">What stands before the path in an error.</param>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where somebody listens there, there is something else, or nothing can be made.</remarks>
    public static UnixListener Open(string path, bool waits = false, string what = "")
    {
        UnixAddress address = UnixAddress.TryCreate(path) ?? throw Refused("it is no path of a socket");
        int flags = SocketCalls.CloseOnExec | (waits ? 0 : SocketCalls.NonBlocking);
        int descriptor = SocketCalls.Create(SocketCalls.Unix, SocketCalls.Stream | flags, 0);
        if (descriptor < 0)
        {
            throw new OperatorException($"{what}{path}: no socket could be made ({Marshal.GetLastPInvokeErrorMessage()}).");
        }

        var listener = new UnixListener(descriptor, address, flags);
        string? why = listener.Bind() switch
        {
            SocketCalls.AddressInUse => WhyNotLeftOver(address) ?? Words(listener.Bind()),
            int errno => Words(errno),
        };
        if (why is null)
        {
            return listener;
        }

        listener._handle.Dispose();
        throw Refused(why);

        OperatorException Refused(string why) =>
            new($"{what}{path}: {why}; give the path of a new socket, at most {UnixAddress.MostPathBytes} bytes long, in a folder that can be written.", 2);
    }

    /// <summary>Whether somebody listens at a path.</summary>
    public static bool IsServed(string path) => UnixAddress.TryCreate(path) is { } address && IsServed(Probe(address));

    /// <summary>Takes the next stream; null where there is none now, or, where it waits, when it is disposed or the host has nothing to take
    /// it with.</summary>
    public StreamSocket? Accept()
    {
        try
        {
            int descriptor;
            do
            {
                // SAFETY: the kernel writes nothing.
                descriptor = SocketCalls.Accept(_handle, null, null, _flags);
            }
            while (descriptor < 0 && Marshal.GetLastPInvokeError() == SocketCalls.Interrupted);
            return descriptor < 0 ? null : new StreamSocket(descriptor);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_handle.IsClosed)
        {
            File.Delete(_address.Path);
            _ = SocketCalls.Shutdown((int)_handle.DangerousGetHandle(), SocketCalls.ReceiveSide); // wakes who waits
            _handle.Dispose();
        }
    }

    /// <summary>Listens, for its user only: 0, or why not.</summary>
    private int Bind()
    {
        fixed (byte* bytes = _address.Bytes)
        {
            // SAFETY: the kernel reads the span. Nobody can connect before it listens, so nobody else ever can.
            return SocketCalls.Bind(_handle, bytes, (uint)_address.Bytes.Length) == 0
                && SocketCalls.ChangeMode(bytes + UnixAddress.PathAt, UserReadsAndWrites) == 0
                && SocketCalls.Listen(_handle, Backlog) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    private static string? Words(int errno) => errno == 0 ? null : Marshal.GetPInvokeErrorMessage(errno);

    private static int Probe(UnixAddress address)
    {
        StreamSocket.Connect(address, out int errno)?.Dispose();
        return errno;
    }

    private static bool IsServed(int errno) => errno is 0 or SocketCalls.TryAgain; // the latter: it is busy

    /// <summary>Removes a socket of a process that is gone, and says nothing; of what stays it says what it is.</summary>
    private static string? WhyNotLeftOver(UnixAddress address)
    {
        int errno = Probe(address);
        if (IsServed(errno))
        {
            return "somebody listens there already";
        }

        if (errno != SocketCalls.ConnectionRefused || !IsSocket(address.Path))
        {
            return "there is a file of that name";
        }

        File.Delete(address.Path);
        return null;
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
