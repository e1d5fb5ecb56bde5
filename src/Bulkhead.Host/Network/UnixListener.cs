using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Network;

/// <summary>Listens at a path for streams of other processes; it never waits.</summary>
/// <remarks>It removes its path at the end, and at the start one that nobody listens at any more.</remarks>
public sealed unsafe class UnixListener : IDisposable
{
    private const int Backlog = 128;

    private readonly SafeFileHandle _handle;
    private readonly UnixAddress _address;

    private UnixListener(int descriptor, UnixAddress address) => (_handle, _address) = (new SafeFileHandle(descriptor, ownsHandle: true), address);

    /// <summary>To wait at.</summary>
    public SafeHandle Handle => _handle;

    /// <summary>Starts to listen.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where somebody listens there, or it cannot be made.</remarks>
    public static UnixListener Open(UnixAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        int descriptor = SocketCalls.Create(SocketCalls.Unix, SocketCalls.Stream | SocketCalls.CloseOnExec | SocketCalls.NonBlocking, 0);
        if (descriptor < 0)
        {
            throw new OperatorException($"{address.Path}: no socket could be made (errno {Marshal.GetLastPInvokeError()}).");
        }

        var listener = new UnixListener(descriptor, address);
        if (listener.TryBind(out int errno) || (errno == SocketCalls.AddressInUse && IsLeftOver(address) && listener.TryBind(out errno)))
        {
            return listener;
        }

        listener._handle.Dispose();
        throw new OperatorException(errno == SocketCalls.AddressInUse
            ? $"{address.Path}: there is something already; remove it, or give another path for the socket."
            : $"{address.Path}: nothing can listen there ({Marshal.GetPInvokeErrorMessage(errno)}); give a path in a folder that can be written to.");
    }

    /// <summary>Takes the next stream; null where there is none now.</summary>
    public StreamSocket? Accept()
    {
        // SAFETY: the kernel writes nothing.
        int descriptor = SocketCalls.Accept((int)_handle.DangerousGetHandle(), null, null, SocketCalls.CloseOnExec | SocketCalls.NonBlocking);
        return descriptor < 0 ? null : new StreamSocket(descriptor);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_handle.IsClosed)
        {
            File.Delete(_address.Path);
            _handle.Dispose();
        }
    }

    private bool TryBind(out int errno)
    {
        int descriptor = (int)_handle.DangerousGetHandle();
        fixed (byte* bytes = _address.Bytes)
        {
            // SAFETY: the kernel reads the span.
            bool bound = SocketCalls.Bind(descriptor, bytes, (uint)_address.Bytes.Length) == 0 && SocketCalls.Listen(descriptor, Backlog) == 0;
            errno = bound ? 0 : Marshal.GetLastPInvokeError();
            return bound;
        }
    }

    /// <summary>Removes a socket of a process that is gone; a file that is something else stays.</summary>
    private static bool IsLeftOver(UnixAddress address)
    {
        using StreamSocket? answer = StreamSocket.Connect(address, out int errno);
        if (answer is not null || errno != SocketCalls.ConnectionRefused)
        {
            return false;
        }

        // Connecting to an ordinary file is refused as well; unlike a socket it can be opened (for both: a pipe would wait).
        try
        {
            using FileStream file = File.Open(address.Path, FileMode.Open, FileAccess.ReadWrite);
            return false;
        }
        catch (IOException)
        {
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }

        File.Delete(address.Path);
        return true;
    }
}
