using System.Buffers.Text;

namespace Bulkhead.Tools.Divergence;

/// <summary>Reads the addresses out of a log, while it is being written.</summary>
/// <remarks>An address that comes several times in a row counts once: QEMU takes up a repeated string instruction for every
/// element, our engine for as many as it can. An instruction that faults is in both logs, and again when it is retried.
/// QEMU says afterwards where an instruction it announced did not run, because an interrupt came first; it is left out.</remarks>
internal sealed class LogSource : IAddressSource
{
    private readonly Stream _stream;
    private readonly LogFormat _format;
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private ulong _last = ulong.MaxValue;
    private ulong _pending;
    private int _times;

    internal LogSource(Stream stream, LogFormat format)
    {
        _stream = stream;
        _format = format;
    }

    /// <inheritdoc/>
    public bool TryNext(out ulong address)
    {
        while (TryLine(out ReadOnlySpan<byte> line))
        {
            if (_format == LogFormat.Qemu && line.StartsWith("Stopped"u8))
            {
                _times = Math.Max(_times - 1, 0);
                continue;
            }

            if (!TryAddress(line, out ulong next))
            {
                continue;
            }

            if (_times > 0 && next == _pending)
            {
                _times++;
                continue;
            }

            bool whole = _times > 0 && _pending != _last;
            address = _pending;
            if (_times > 0)
            {
                _last = _pending;
            }

            _pending = next;
            _times = 1;
            if (whole)
            {
                return true;
            }
        }

        address = _pending;
        bool rest = _times > 0 && _pending != _last;
        _times = 0;
        return rest;
    }

    private bool TryAddress(ReadOnlySpan<byte> line, out ulong address)
    {
        address = 0;
        if (_format == LogFormat.Bulkhead)
        {
            return Utf8Parser.TryParse(line, out address, out int length, 'x') && length < line.Length && line[length] == ' ';
        }

        int at = line.IndexOf((byte)'[');
        if (at < 0 || !line.StartsWith("Trace "u8))
        {
            return false;
        }

        line = line[(at + 1)..];
        at = line.IndexOf((byte)'/');
        return at >= 0 && Utf8Parser.TryParse(line[(at + 1)..], out address, out _, 'x');
    }

    private bool TryLine(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            int length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (length >= 0)
            {
                line = _buffer.AsSpan(_start, length);
                _start += length + 1;
                return true;
            }

            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            if (_end == _buffer.Length)
            {
                throw new InvalidDataException("A line of the log has no end.");
            }

            int read = _stream.Read(_buffer.AsSpan(_end));
            if (read == 0)
            {
                // What the writer was at when it died is no line.
                line = default;
                return false;
            }

            _end += read;
        }
    }
}
