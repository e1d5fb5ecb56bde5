using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Network;

/// <summary>One end of a stream between two processes of this host; it never waits.</summary>
public sealed unsafe class StreamSocket : IDisposable
{
    private const int BufferBytes = 1 << 20;

    internal StreamSocket(int descriptor) => Handle = new SafeFileHandle(descriptor, ownsHandle: true);

    /// <summary>To wait at.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Makes a stream; the other end is for a child process, which inherits it by its number.</summary>
    public static StreamSocket CreatePair(out SafeFileHandle forChild)
    {
        int* pair = stackalloc int[2];

        // SAFETY: the kernel writes two numbers.
        if (SocketCalls.Pair(SocketCalls.Unix, SocketCalls.Stream | SocketCalls.CloseOnExec, 0, pair) != 0)
        {
            throw new OperatorException($"No sockets could be made: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        int size = BufferBytes;
        _ = SocketCalls.SetOption(pair[0], SocketCalls.SocketLevel, SocketCalls.SendBuffer, &size, sizeof(int));
        _ = SocketCalls.SetOption(pair[1], SocketCalls.SocketLevel, SocketCalls.SendBuffer, &size, sizeof(int));
        _ = SocketCalls.Control(pair[1], SocketCalls.SetDescriptorFlags, 0);
        forChild = new SafeFileHandle(pair[1], ownsHandle: true);
        return new StreamSocket(pair[0]);
    }

    /// <summary>Connects to whoever listens at a path; null where nobody does, or has no room for one more.</summary>
    public static StreamSocket? Connect(UnixAddress address) => Connect(address, out _);

    /// <summary>The same; and why not.</summary>
    internal static StreamSocket? Connect(UnixAddress address, out int errno)
    {
        ArgumentNullException.ThrowIfNull(address);
        int descriptor = SocketCalls.Create(SocketCalls.Unix, SocketCalls.Stream | SocketCalls.CloseOnExec | SocketCalls.NonBlocking, 0);
        if (descriptor < 0)
        {
            errno = Marshal.GetLastPInvokeError();
            return null;
        }

        var socket = new StreamSocket(descriptor);
        fixed (byte* bytes = address.Bytes)
        {
            // SAFETY: the kernel reads the span.
            if (SocketCalls.Connect(descriptor, bytes, (uint)address.Bytes.Length) == 0)
            {
                errno = 0;
                return socket;
            }

            errno = Marshal.GetLastPInvokeError();
        }

        socket.Dispose();
        return null;
    }

    /// <summary>Hands what a listener that waits accepted on to code that waits for its bytes too; this is not to be used any more.</summary>
    public Socket ToSocket()
    {
        var handle = new SafeSocketHandle(Handle.DangerousGetHandle(), ownsHandle: true);
        Handle.SetHandleAsInvalid();
        return new Socket(handle);
    }

    /// <summary>Sends no more: the other end sees the end behind what was sent.</summary>
    public void EndSending() => _ = SocketCalls.Shutdown((int)Handle.DangerousGetHandle(), SocketCalls.SendSide);

    /// <summary>Receives no more: the other end can send nothing more.</summary>
    public void EndReceiving() => _ = SocketCalls.Shutdown((int)Handle.DangerousGetHandle(), SocketCalls.ReceiveSide);

    /// <summary>Sends as much as there is room for: how many bytes, or -1 where the other end is gone.</summary>
    public int Send(ReadOnlySpan<byte> data)
    {
        fixed (byte* bytes = data)
        {
            // SAFETY: the kernel reads the span.
            return Result(SocketCalls.Send((int)Handle.DangerousGetHandle(), bytes, (nuint)data.Length, SocketCalls.DontWait | SocketCalls.NoSignal));
        }
    }

    /// <summary>Receives what there is: how many bytes, 0 for none now, or -1 where the other end is gone.</summary>
    public int Receive(Span<byte> data)
    {
        fixed (byte* bytes = data)
        {
            // SAFETY: the kernel writes at most the span.
            nint received = SocketCalls.Receive((int)Handle.DangerousGetHandle(), bytes, (nuint)data.Length, SocketCalls.DontWait);
            return received == 0 && data.Length > 0 ? -1 : Result(received);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static int Result(nint result) =>
        result >= 0 ? (int)result : Marshal.GetLastPInvokeError() is SocketCalls.TryAgain or SocketCalls.Interrupted ? 0 : -1;
}
