using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Executors;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>Frames over a stream, each behind its length in four bytes, big-endian: what passt speaks.</summary>
/// <remarks><i>Threading</i>: the card's executor. <i>Cost</i>: two buffers of 256 KiB.</remarks>
public sealed class FrameStream(StreamSocket socket, ushort mtu) : INetBackend
{
    private const int LengthBytes = 4;
    private const int BufferBytes = 256 << 10;

    private readonly byte[] _outgoing = new byte[BufferBytes];
    private readonly byte[] _incoming = new byte[BufferBytes];
    private int _outStart;
    private int _outEnd;
    private FrameHeader _header;
    private int _begun;
    private int _inStart;
    private int _inEnd;
    private bool _gone;
    private byte _flags;
    private PollExecutor? _executor;

    /// <inheritdoc/>
    public ushort Mtu => mtu;

    /// <inheritdoc/>
    public ulong Offloads => 0;

    /// <summary>Whether frames wait to be sent that nobody takes now.</summary>
    public bool IsBlocked => _outStart < _outEnd && !_gone;

    /// <inheritdoc/>
    public IDeviceExecutor CreateExecutor(string name) => _executor = new PollExecutor(name, socket.Handle);

    /// <inheritdoc/>
    public void Open(ulong features) => _flags = (features & NetFeatures.GuestChecksum) != 0 ? NetHeader.DataValid : (byte)0;

    /// <inheritdoc/>
    public void Close()
    {
        if (_executor is { } executor)
        {
            executor.Interest = PollEvents.None;
        }
    }

    /// <inheritdoc/>
    public Span<byte> BeginFrame(in FrameHeader header, int length)
    {
        if (_gone)
        {
            _outStart = _outEnd = 0; // into nothing
        }

        if (BufferBytes - _outEnd < LengthBytes + length)
        {
            _outgoing.AsSpan(_outStart, _outEnd - _outStart).CopyTo(_outgoing);
            (_outStart, _outEnd) = (0, _outEnd - _outStart);
        }

        if (BufferBytes - _outEnd < LengthBytes + length)
        {
            return default;
        }

        (_header, _begun) = (header, length);
        BinaryPrimitives.WriteInt32BigEndian(_outgoing.AsSpan(_outEnd), length);
        return _outgoing.AsSpan(_outEnd + LengthBytes, length);
    }

    /// <inheritdoc/>
    public void CommitFrame()
    {
        if (!_header.NeedsChecksum || InternetChecksum.TryComplete(_outgoing.AsSpan(_outEnd + LengthBytes, _begun), _header.ChecksumStart, _header.ChecksumOffset))
        {
            _outEnd += LengthBytes + _begun;
        }
    }

    /// <inheritdoc/>
    public bool Send()
    {
        while (IsBlocked)
        {
            int sent = socket.Send(_outgoing.AsSpan(_outStart, _outEnd - _outStart));
            if (sent <= 0)
            {
                _gone |= sent < 0;
                return !_gone;
            }

            _outStart += sent;
        }

        _outStart = _outEnd = 0;
        return !_gone;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PeekFrame(out FrameHeader header)
    {
        header = new FrameHeader { Flags = _flags };
        if (!TryFrame(out int length) && !_gone)
        {
            _incoming.AsSpan(_inStart, _inEnd - _inStart).CopyTo(_incoming);
            (_inStart, _inEnd) = (0, _inEnd - _inStart);
            int received = socket.Receive(_incoming.AsSpan(_inEnd));
            _gone |= received < 0;
            _inEnd += Math.Max(received, 0);
            _ = TryFrame(out length);
        }

        return _incoming.AsSpan(_inStart + LengthBytes, length);
    }

    /// <inheritdoc/>
    public void DropFrame()
    {
        _ = TryFrame(out int length);
        _inStart += LengthBytes + length;
    }

    /// <inheritdoc/>
    public void Await(bool frames)
    {
        if (_executor is { } executor)
        {
            executor.Interest = (IsBlocked ? PollEvents.Writable : PollEvents.None) | (frames && !_gone ? PollEvents.Readable : PollEvents.None);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private bool TryFrame(out int length)
    {
        length = 0;
        int held = _inEnd - _inStart;
        if (held < LengthBytes)
        {
            return false;
        }

        uint said = BinaryPrimitives.ReadUInt32BigEndian(_incoming.AsSpan(_inStart));
        if (said is 0 or > INetBackend.MostFrameBytes)
        {
            _gone = true; // not what was agreed: nothing behind it can be understood
            _inStart = _inEnd = 0;
            return false;
        }

        if (held - LengthBytes < (int)said)
        {
            return false;
        }

        length = (int)said;
        return true;
    }
}
