using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Net;

/// <summary>A network card.</summary>
/// <remarks>
/// <para><i>Threading</i>: frames are carried on the executor; everything else under the transport's lock.</para>
/// <para><i>Source</i>: VIRTIO 1.2, 5.1 Network Device.</para>
/// </remarks>
internal sealed class VirtioNet : IVirtioDevice
{
    private const int ReceiveQueue = 0;
    private const int TransmitQueue = 1;
    private const int ConfigBytes = 12;
    private const int EthernetHeader = 14;
    private const int TellEvery = 32;
    private const ushort LinkUp = 1;

    private readonly INetBackend _backend;
    private readonly IDeviceExecutor _executor;
    private readonly byte[] _mac;
    private readonly FrameCapture _capture;
    private readonly Throttle? _sending;
    private readonly Throttle? _receiving;
    private readonly List<DescriptorChain> _buffers = [];
    private readonly Stack<DescriptorChain> _spare = [];
    private DescriptorChain? _unsent;
    private bool _hasUnsent;
    private bool _maySend; // what is unsent was taken of what may be sent
    private bool _mayReceive; // and so was the frame that comes next
    private ulong _room;
    private long _againNs; // when what is held back now may pass
    private VirtioSession? _session;
    private Action? _stopped;
    private readonly CardCable _cable;
    private volatile bool _isGone; // whoever was at the other end
    private bool _toldUp = true;

    /// <summary>A card with an address of six bytes, whose frames may be looked at.</summary>
    /// <param name="backend">What it is connected to.</param>
    /// <param name="executor">Where it works.</param>
    /// <param name="mac">Its address.</param>
    /// <param name="capture">Who may look on.</param>
    /// <param name="cable">Its cable.</param>
    /// <param name="sending">How much it sends, or null for any amount.</param>
    /// <param name="receiving">How much it receives, or null for any amount.</param>
    internal VirtioNet(INetBackend backend, IDeviceExecutor executor, ReadOnlySpan<byte> mac, FrameCapture capture, CardCable cable, Throttle? sending = null, Throttle? receiving = null)
    {
        (_cable, _sending, _receiving) = (cable, sending, receiving);
        (_backend, _executor, _mac, _capture) = (backend, executor, mac.ToArray(), capture);
        cable.Attach(executor.Ring);
        executor.Start(Work, e => Volatile.Read(ref _session)?.Fail(e.ToString()));
    }

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.Net;

    /// <inheritdoc/>
    public ulong Features =>
        NetFeatures.Checksum | NetFeatures.GuestChecksum | NetFeatures.Mtu | NetFeatures.Mac | NetFeatures.MergeableBuffers | NetFeatures.Status | _backend.Offloads;

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; } = [256, 256];

    /// <inheritdoc/>
    public bool Negotiate(ulong features) =>
        ((features & (NetFeatures.HostTcp4 | NetFeatures.HostTcp6)) == 0 || (features & NetFeatures.Checksum) != 0)
        && ((features & (NetFeatures.GuestTcp4 | NetFeatures.GuestTcp6)) == 0 || (features & NetFeatures.GuestChecksum) != 0);

    // mac u8[6], status u16, queue pairs u16, mtu u16.
    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> c = stackalloc byte[ConfigBytes];
        c.Clear();
        _mac.CopyTo(c);
        BinaryPrimitives.WriteUInt16LittleEndian(c[6..], IsUp ? LinkUp : (ushort)0);
        BinaryPrimitives.WriteUInt16LittleEndian(c[8..], 1);
        BinaryPrimitives.WriteUInt16LittleEndian(c[10..], _backend.Mtu);
        DeviceConfig.Read(c, offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    public void Start(VirtioSession session)
    {
        ulong features = 0;
        foreach (ulong one in (ReadOnlySpan<ulong>)[NetFeatures.GuestChecksum, NetFeatures.GuestTcp4, NetFeatures.GuestTcp6])
        {
            features |= session.Has(one) ? one : 0;
        }

        _backend.Open(features);
        Volatile.Write(ref _session, session);
        _executor.Ring();
    }

    /// <inheritdoc/>
    public void Notify(int queue) => _executor.Ring();

    /// <inheritdoc/>
    public void Stop(Action stopped)
    {
        Volatile.Write(ref _stopped, stopped);
        _executor.Ring();
    }

    private bool IsUp => !_isGone && _cable.IsPlugged;

    private void Work()
    {
        if (Interlocked.Exchange(ref _stopped, null) is { } stopped)
        {
            PutBack();
            _session = null;
            _buffers.Clear();
            _spare.Clear();
            (_unsent, _hasUnsent, _room) = (null, false, 0);
            (_maySend, _mayReceive) = (false, false);
            _backend.Close();
            stopped();
            return;
        }

        if (Volatile.Read(ref _session) is { } session)
        {
            Virtqueue? receive = session.Queues[ReceiveQueue];
            Virtqueue? transmit = session.Queues[TransmitQueue];
            _againNs = long.MaxValue;
            bool open = transmit is null || Transmit(session, transmit);
            bool fed = receive is not null && Receive(session, receive);
            _backend.Await(fed && open);
            if (_againNs != long.MaxValue)
            {
                _executor.RingAt(_againNs);
            }

            _isGone |= !open;
            if (_toldUp != IsUp)
            {
                _toldUp = !_toldUp;
                session.ConfigChanged();
            }

            if ((transmit?.Error ?? receive?.Error) is { } error)
            {
                session.Fail(error);
            }
        }
    }

    /// <summary>What was taken and not used is available again, to whoever goes on with the queues.</summary>
    private void PutBack()
    {
        for (int i = _buffers.Count - 1; i >= 0; i--)
        {
            _session?.Queues[ReceiveQueue]?.Untake(_buffers[i]);
        }

        if (_hasUnsent && _unsent is not null)
        {
            _session?.Queues[TransmitQueue]?.Untake(_unsent);
        }
    }

    /// <summary>Sends what there is, a ring's worth at most, so that what came has its turn; false where the other end is gone.</summary>
    private bool Transmit(VirtioSession session, Virtqueue queue)
    {
        bool open = true;
        queue.Ignore();
        DescriptorChain chain = _unsent ??= new DescriptorChain(session.Memory);
        int left = queue.Size;
        while (left > 0 && !session.IsEnding && (_hasUnsent || queue.TryPop(chain)))
        {
            _maySend = _maySend || MayPass(_sending, chain.ReadableBytes);
            _hasUnsent = !_maySend || !TrySend(chain);
            if (_hasUnsent && _maySend)
            {
                open = _backend.Send();
                _hasUnsent = !TrySend(chain);
            }

            if (_hasUnsent)
            {
                break;
            }

            _maySend = false;
            queue.Push(chain, 0);
            queue.Publish();
            if (--left % TellEvery == 0)
            {
                session.Used(TransmitQueue);
            }
        }

        open = _backend.Send() && open;
        session.Used(TransmitQueue);
        if (left == 0 || (!_hasUnsent && !session.IsEnding && queue.Await()))
        {
            _executor.Ring();
        }

        return open;
    }

    /// <summary>Whether a frame, with its header, is not too much now; else it is looked at again when it is not.</summary>
    private bool MayPass(Throttle? throttle, ulong bytes)
    {
        if (throttle is null || throttle.TryTake(1, Math.Clamp((long)bytes - NetHeader.Bytes, 0, INetBackend.MostFrameBytes), out long againNs))
        {
            return true;
        }

        _againNs = Math.Min(_againNs, againNs);
        return false;
    }

    /// <summary>Copies a frame to the backend; false where it has no room now.</summary>
    private bool TrySend(DescriptorChain chain)
    {
        Span<byte> bytes = stackalloc byte[NetHeader.Bytes];
        ulong length = chain.ReadableBytes - NetHeader.Bytes;
        if (!_cable.IsPlugged || !chain.TryRead(0, bytes) || length is < EthernetHeader or > INetBackend.MostFrameBytes)
        {
            return true; // it goes nowhere, or is not a frame
        }

        var header = FrameHeader.Read(bytes);
        Span<byte> frame = _backend.BeginFrame(header, (int)length);
        if (frame.IsEmpty)
        {
            return false;
        }

        _ = chain.TryRead(NetHeader.Bytes, frame);
        _capture.Note(header, frame);
        _backend.CommitFrame();
        return true;
    }

    /// <summary>Hands over what came, a ring's worth at most; false where the driver has no room for more, or more would be too much.</summary>
    private bool Receive(VirtioSession session, Virtqueue queue)
    {
        bool merges = session.Has(NetFeatures.MergeableBuffers);
        bool room = true;
        int left = queue.Size;
        while (left > 0 && room && !session.IsEnding && _backend.PeekFrame(out FrameHeader header) is { IsEmpty: false } frame)
        {
            if (!_cable.IsPlugged)
            {
                left--;
                _backend.DropFrame();
                continue;
            }

            ulong needed = (ulong)frame.Length + NetHeader.Bytes;
            _mayReceive = _mayReceive || MayPass(_receiving, needed);
            room = _mayReceive && Gather(session, queue, needed, merges);
            if (room)
            {
                if (_room >= needed) // else it is dropped: the driver takes none that large
                {
                    _capture.Note(header, frame);
                    Deliver(queue, header, frame, needed);
                }

                _mayReceive = false;
                _backend.DropFrame();
                if (--left % TellEvery == 0)
                {
                    session.Used(ReceiveQueue);
                }
            }
        }

        session.Used(ReceiveQueue);
        if (left == 0)
        {
            _executor.Ring();
        }

        return room;
    }

    /// <summary>Takes buffers until a frame fits; false where there are not so many, and it will be notified of more.</summary>
    private bool Gather(VirtioSession session, Virtqueue queue, ulong needed, bool merges)
    {
        while (_room < needed && (merges || _buffers.Count == 0))
        {
            DescriptorChain chain = _spare.Count > 0 ? _spare.Pop() : new DescriptorChain(session.Memory);
            bool taken = queue.TryPop(chain);
            if (!taken && queue.Await())
            {
                queue.Ignore();
                taken = queue.TryPop(chain);
            }

            if (!taken)
            {
                _spare.Push(chain);
                return false;
            }

            if (chain.WritableBytes < NetHeader.Bytes)
            {
                queue.Refuse($"a buffer of {chain.WritableBytes} bytes for frames");
                return false;
            }

            _buffers.Add(chain);
            _room += chain.WritableBytes;
        }

        return true;
    }

    private void Deliver(Virtqueue queue, in FrameHeader frameHeader, ReadOnlySpan<byte> frame, ulong needed)
    {
        int count = 0;
        for (ulong left = needed; left > 0; count++)
        {
            left -= Math.Min(left, _buffers[count].WritableBytes);
        }

        Span<byte> header = stackalloc byte[NetHeader.Bytes];
        frameHeader.Write(header, (ushort)count);
        _ = _buffers[0].TryWrite(0, header);
        ulong at = NetHeader.Bytes;
        for (int i = 0; i < count; i++, at = 0)
        {
            DescriptorChain chain = _buffers[i];
            ReadOnlySpan<byte> part = frame[..(int)Math.Min(chain.WritableBytes - at, (ulong)frame.Length)];
            _ = chain.TryWrite(at, part);
            frame = frame[part.Length..];
            queue.Push(chain, (uint)at + (uint)part.Length);
            _room -= chain.WritableBytes;
            _spare.Push(chain);
        }

        _buffers.RemoveRange(0, count);
        queue.Publish();
    }
}
