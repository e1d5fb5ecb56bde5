using System.Buffers.Binary;
using System.Net.Sockets;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Executors;

namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>Where a member's card is connected to a network.</summary>
/// <remarks><i>Threading</i>: the card's executor; frames are put into its queue by those of the others, which never wait for it.
/// It outlives the domain's lives.</remarks>
public sealed class SwitchPort : INetBackend
{
    private const int QueueBytes = 2 << 20;
    private const ulong LinkLocalPrefix = 0xFE80 >> 6;

    private readonly NetworkSwitch _network;
    private readonly FrameRing _queue = new(QueueBytes);
    private readonly byte[] _begun = new byte[INetBackend.MostFrameBytes];
    private readonly (UInt128 Value, bool IsIp6)[] _addresses;
    private readonly RuleCounters[] _rules;
    private readonly TokenBucket[] _buckets;
    private IDeviceExecutor? _executor;
    private FrameHeader _header;
    private int _length;
    private ulong _takes;
    private volatile bool _open;
    private int _awaits;
    private PortCounters _counters;
    private long _overrun;

    internal SwitchPort(NetworkSwitch network, int number, SwitchMember member, int rules)
    {
        (_network, Number, Member) = (network, number, member);
        Mac = FrameFacts.Address([.. member.Mac]);
        _addresses = [.. member.Addresses.Select(static a => (ValueOf(a.GetAddressBytes()), a.AddressFamily == AddressFamily.InterNetworkV6))];
        _rules = new RuleCounters[rules];
        _buckets = new TokenBucket[rules];
    }

    /// <summary>Its number.</summary>
    public int Number { get; }

    /// <summary>Who is connected.</summary>
    public SwitchMember Member { get; }

    /// <summary>What became of its frames. From any thread; each number is one that was.</summary>
    public PortCounters Counters => _counters with { Overrun = Interlocked.Read(ref _overrun) };

    /// <inheritdoc/>
    public ushort Mtu => _network.Mtu;

    /// <inheritdoc/>
    public ulong Offloads => NetFeatures.GuestTcp4 | NetFeatures.GuestTcp6 | NetFeatures.HostTcp4 | NetFeatures.HostTcp6;

    /// <summary>Its card's address as a number.</summary>
    internal ulong Mac { get; }

    /// <summary>The conversations it began.</summary>
    internal FlowTable Flows { get; } = new();

    /// <summary>What the network's rules did with its frames, by number.</summary>
    internal RuleCounters[] Rules => _rules;

    /// <summary>Whether a driver is there.</summary>
    internal bool IsOpen => _open;

    /// <summary>What became of its frames, to count in; on its executor.</summary>
    internal ref PortCounters Count => ref _counters;

    /// <inheritdoc/>
    public IDeviceExecutor CreateExecutor(string name) => _executor = _network.IsImmediate ? new ImmediateExecutor() : new ThreadExecutor(name);

    /// <inheritdoc/>
    public void Open(ulong features)
    {
        Volatile.Write(ref _takes, features);
        _open = true;
    }

    /// <inheritdoc/>
    public void Close()
    {
        _open = false;
        Volatile.Write(ref _awaits, 0);
        while (!_queue.Peek().IsEmpty)
        {
            _queue.Drop();
        }
    }

    /// <inheritdoc/>
    public Span<byte> BeginFrame(in FrameHeader header, int length)
    {
        (_header, _length) = (header, length);
        return _begun.AsSpan(0, length);
    }

    /// <inheritdoc/>
    public void CommitFrame() => _network.Forward(this, _header, _begun.AsSpan(0, _length));

    /// <inheritdoc/>
    public bool Send() => true;

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PeekFrame(out FrameHeader header)
    {
        ReadOnlySpan<byte> block = _queue.Peek();
        header = block.IsEmpty ? default : FrameHeader.Read(block);
        return block.IsEmpty ? default : block[NetHeader.Bytes..];
    }

    /// <inheritdoc/>
    public void DropFrame()
    {
        _counters.Received++;
        _counters.ReceivedBytes += _queue.Peek().Length - NetHeader.Bytes;
        _queue.Drop();
    }

    /// <inheritdoc/>
    public void Await(bool frames)
    {
        if (frames)
        {
            _ = Interlocked.Exchange(ref _awaits, 1); // before the look
            if (!_queue.Peek().IsEmpty)
            {
                Wake();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Whether a frame says to be from it, and it is.</summary>
    internal bool Owns(in FrameFacts facts) =>
        facts.Source == Mac && (facts.Claimed == 0 || facts.Claimed == Mac)
        && (_addresses.Length == 0 || !facts.HasAddress || (MaySay(facts.SourceAddress, facts) && MaySay(facts.SaidAddress, facts)));

    /// <summary>Takes so much of its own share of a rule's limit.</summary>
    internal bool TryTake(int rule, in RateLimit limit, int frames, int bytes, long nowNs) => _buckets[rule].TryTake(limit, frames, bytes, nowNs, out _);

    /// <summary>Puts a frame into its queue, as its driver takes it; by whoever sends it.</summary>
    internal void Deliver(in FrameHeader header, in FrameFacts facts, ReadOnlySpan<byte> frame)
    {
        ulong takes = Volatile.Read(ref _takes);
        ulong segments = header.Segmentation == NetHeader.Tcp4 ? NetFeatures.GuestTcp4 : NetFeatures.GuestTcp6;
        if (!header.IsSegmented || (takes & segments) != 0)
        {
            bool completes = header.NeedsChecksum && (takes & NetFeatures.GuestChecksum) == 0;
            if (TryReserve(frame.Length, completes ? default : header, out int at, out Span<byte> room))
            {
                frame.CopyTo(room);
                _ = !completes || InternetChecksum.TryComplete(room, header.ChecksumStart, header.ChecksumOffset);
                _queue.Commit(at, NetHeader.Bytes + frame.Length);
            }
        }
        else
        {
            int count = Switching.Offloads.Segments(header, frame.Length);
            for (int i = 0; i < count && TryReserve(Switching.Offloads.SegmentLength(header, frame.Length, i), default, out int at, out Span<byte> room); i++)
            {
                Switching.Offloads.WriteSegment(frame, header, facts, i, room);
                _queue.Commit(at, NetHeader.Bytes + room.Length);
            }
        }

        Interlocked.MemoryBarrier(); // the frame is there before the look at who waits
        Wake();
    }

    private bool TryReserve(int length, in FrameHeader header, out int at, out Span<byte> room)
    {
        if (!_queue.TryReserve(NetHeader.Bytes + length, out at, out room))
        {
            _ = Interlocked.Increment(ref _overrun);
            return false;
        }

        header.Write(room, 0);
        room = room[NetHeader.Bytes..];
        return true;
    }

    private void Wake()
    {
        if (Volatile.Read(ref _awaits) != 0 && Interlocked.Exchange(ref _awaits, 0) != 0)
        {
            _executor?.Ring();
        }
    }

    // Nobody has no address yet; link-local ones are what a guest makes itself.
    private bool MaySay(UInt128 address, in FrameFacts facts) =>
        (address == 0 && facts.Kind == FrameKind.Neighbor)
        || (facts.IsIp6 && (ulong)(address >> 118) == LinkLocalPrefix)
        || (facts.IsIp6 && address == 0)
        || Array.IndexOf(_addresses, (address, facts.IsIp6)) >= 0;

    private static UInt128 ValueOf(byte[] address) =>
        address.Length == sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(address) : BinaryPrimitives.ReadUInt128BigEndian(address);
}
