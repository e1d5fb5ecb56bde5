using System.Runtime.InteropServices;
using Bulkhead.Host.Files;

namespace Bulkhead.Host.Terminal;

/// <summary>Writes to an open descriptor, at once and as it is.</summary>
/// <remarks>
/// For standard output and error: the class library's console sends the terminal sequences of its own (keypad mode) and
/// puts settings back at the end that are not ours. It does not own the descriptor.
/// <para><i>Errors</i>: once a write failed for good, bytes are dropped, and <see cref="CanWrite"/> and <see cref="Failure"/> say so.</para>
/// <para><i>Threading</i>: any thread; one write of up to a pipe's atomic size stays together.</para>
/// </remarks>
public sealed unsafe class DescriptorStream : Stream
{
    private readonly int _fd;
    private volatile int _error;

    /// <summary>Creates a stream over a descriptor, which stays open until its owner closes it.</summary>
    public DescriptorStream(int fd) => _fd = fd;

    /// <summary>What made a write fail, in words; null where none did, or where nobody reads any more, which is theirs to decide.</summary>
    public string? Failure => _error is 0 or Errno.BrokenPipe ? null : Marshal.GetPInvokeErrorMessage(_error);

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <summary>Whether no write failed for good.</summary>
    public override bool CanWrite => _error == 0;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        // SAFETY: the buffer is pinned for the call and its length is what the kernel is told; DescriptorStreamTests reads it back.
        fixed (byte* start = buffer)
        {
            byte* p = start;
            nint left = buffer.Length;
            while (left > 0 && CanWrite)
            {
                nint written = TerminalNative.Write(_fd, p, (nuint)left);
                if (written < 0)
                {
                    HandleErrorSlow(Marshal.GetLastPInvokeError());
                    continue;
                }

                p += written;
                left -= written;
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void HandleErrorSlow(int errno)
    {
        if (errno == TerminalNative.ErrnoAgain)
        {
            // Whoever shares the terminal with us may have made it non-blocking.
            var entry = new TerminalNative.PollEntry { Fd = _fd, Events = TerminalNative.PollOut };

            // SAFETY: poll reads and writes the one entry on this stack.
            _ = TerminalNative.Poll(&entry, 1, -1);
        }
        else if (errno != TerminalNative.ErrnoInterrupted)
        {
            _error = errno;
        }
    }
}
