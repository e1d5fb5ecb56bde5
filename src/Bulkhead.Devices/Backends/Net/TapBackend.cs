using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Executors;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>A card's frames on a TAP device of the host.</summary>
/// <remarks><i>Threading</i>: the card's executor. What a guest says is left to do with its frames the kernel checks.</remarks>
public sealed class TapBackend(TapDevice device) : INetBackend
{
    private readonly byte[] _outgoing = new byte[NetHeader.Bytes + INetBackend.MostFrameBytes];
    private readonly byte[] _incoming = new byte[NetHeader.Bytes + INetBackend.MostFrameBytes];
    private PollExecutor? _executor;
    private FrameHeader _header;
    private int _begun;
    private int _unsent;
    private int _held;
    private bool _takesChecksums;
    private bool _gone;

    /// <inheritdoc/>
    public ushort Mtu => device.Mtu;

    /// <inheritdoc/>
    public ulong Offloads => NetFeatures.GuestTcp4 | NetFeatures.GuestTcp6 | NetFeatures.HostTcp4 | NetFeatures.HostTcp6;

    /// <inheritdoc/>
    public IDeviceExecutor CreateExecutor(string name) => _executor = new PollExecutor(name, device.Handle);

    /// <inheritdoc/>
    public void Open(ulong features)
    {
        _takesChecksums = (features & NetFeatures.GuestChecksum) != 0;
        device.Accept((_takesChecksums ? 1 : 0) | ((features & NetFeatures.GuestTcp4) != 0 ? 2 : 0) | ((features & NetFeatures.GuestTcp6) != 0 ? 4 : 0));
    }

    /// <inheritdoc/>
    public void Close()
    {
        (_unsent, _held) = (0, 0);
        if (_executor is { } executor)
        {
            executor.Interest = PollEvents.None;
        }
    }

    /// <inheritdoc/>
    public Span<byte> BeginFrame(in FrameHeader header, int length)
    {
        (_header, _begun) = (header, length);
        return _unsent > 0 ? default : _outgoing.AsSpan(NetHeader.Bytes, length);
    }

    /// <inheritdoc/>
    public void CommitFrame()
    {
        _header.Write(_outgoing, 0);
        _unsent = NetHeader.Bytes + _begun;
        _ = Send();
    }

    /// <inheritdoc/>
    public bool Send()
    {
        if (_unsent > 0)
        {
            int written = device.Write(_outgoing.AsSpan(0, _unsent));
            _gone |= written < 0;
            _unsent = written == 0 ? _unsent : 0;
        }

        return !_gone;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PeekFrame(out FrameHeader header)
    {
        if (_held == 0 && !_gone)
        {
            int read = device.Read(_incoming);
            _gone = read < 0;
            _held = read > NetHeader.Bytes ? read : 0;
        }

        header = _held == 0 ? default : FrameHeader.Read(_incoming);
        header = _takesChecksums ? header : header with { Flags = 0 };
        return _held == 0 ? default : _incoming.AsSpan(NetHeader.Bytes, _held - NetHeader.Bytes);
    }

    /// <inheritdoc/>
    public void DropFrame() => _held = 0;

    /// <inheritdoc/>
    public void Await(bool frames)
    {
        if (_executor is { } executor)
        {
            executor.Interest = _gone ? PollEvents.None : (_unsent > 0 ? PollEvents.Writable : PollEvents.None) | (frames ? PollEvents.Readable : PollEvents.None);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => device.Dispose();
}
