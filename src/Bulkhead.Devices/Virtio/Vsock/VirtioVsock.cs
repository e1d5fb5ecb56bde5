using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.State;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>Sockets to the host and to other domains.</summary>
/// <remarks>
/// <para>Processes of the host connect to a path and write <c>CONNECT port</c> and a line feed; <c>OK</c> and their own port answers them. Where a
/// guest connects to port P of the host, that is the path with <c>_P</c> behind it.</para>
/// <para><i>Threading</i>: packets are carried on the executor; everything else under the transport's lock. <i>Cost</i>: nothing is allocated
/// for a packet; a connection takes a ring of <see cref="ByteRing.Capacity"/> bytes.</para>
/// <para><i>Source</i>: VIRTIO 1.2, 5.10 Socket Device.</para>
/// </remarks>
internal sealed partial class VirtioVsock : IVirtioDevice
{
    private const int ReceiveQueue = 0;
    private const int TransmitQueue = 1;
    private const int EventQueue = 2;
    private const int ConfigBytes = 8;
    private const ulong ListenerKey = 0;
    private const int MostTurns = 256; // of either queue, before the other one has its turn
    private const uint FirstHostPort = 1u << 30;

    private readonly VsockEndpoint _endpoint;
    private readonly PollSet _set;
    private readonly IDeviceExecutor _executor;
    private readonly VsockCounters _counters;
    private readonly VsockTable _table;
    private readonly PollReady[] _news = new PollReady[64];
    private DescriptorChain? _chain;
    private VirtioSession? _session;
    private Action? _stopped;
    private volatile bool _starts;
    private volatile bool _owesReset;
    private bool _mayAccept;
    private uint _hostPort = FirstHostPort;

    /// <summary>A device of an endpoint, which the caller keeps longer.</summary>
    /// <param name="endpoint">Where the sockets lead.</param>
    /// <param name="set">Where its sockets are watched; the caller's to dispose, after the executor.</param>
    /// <param name="executor">Where it works: it is rung for what the set has.</param>
    internal VirtioVsock(VsockEndpoint endpoint, PollSet set, IDeviceExecutor executor)
    {
        (_endpoint, _set, _executor, _counters) = (endpoint, set, executor, endpoint.Counters);
        _table = new VsockTable(_counters);
        _mayAccept = endpoint.Listener is { } listener && set.TryAdd(listener.Handle, ListenerKey);
        executor.Start(Work, e => Volatile.Read(ref _session)?.Fail(e.ToString()));
    }

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.Vsock;

    /// <inheritdoc/>
    public ulong Features => VsockFeatures.Stream | VirtioFeatures.InOrder;

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; } = [256, 256, 16];

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> config = stackalloc byte[ConfigBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(config, _endpoint.Cid);
        DeviceConfig.Read(config, offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    public void Start(VirtioSession session)
    {
        _starts = true;
        Volatile.Write(ref _session, session);
        _endpoint.Open(_executor.Ring);
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

    /// <inheritdoc/>
    public void Reset()
    {
        _table.Clear();
        _refused.Clear();
        _owesReset = false;
        _endpoint.Shut();
    }

    /// <summary>Connections are of this process, so none is there after this: the driver is told so.</summary>
    public void Restore(StateReader reader) => _owesReset = true;

    private void Work()
    {
        if (Interlocked.Exchange(ref _stopped, null) is { } stopped)
        {
            _session = null;
            stopped();
            return;
        }

        VirtioSession? session = Volatile.Read(ref _session);
        for (int count = _news.Length; count == _news.Length;)
        {
            count = _set.Take(_news);
            for (int i = 0; i < count && session is not null; i++)
            {
                Note(_news[i]);
            }
        }

        if (session is null)
        {
            return; // what news there was is looked for again at the start
        }

        if (_starts)
        {
            _starts = false;
            _chain = new DescriptorChain(session.Memory);
            LookAgain();
        }

        while (_endpoint.TryTake(out DomainEnd? end))
        {
            Note(end);
        }

        Accept();
        TellEvents(session);
        bool more = session.Queues[TransmitQueue] is { } transmit && Transmit(session, transmit);
        more |= session.Queues[ReceiveQueue] is { } receive && Receive(session, receive);
        if (more && !IsHeld && Volatile.Read(ref _stopped) is null)
        {
            _executor.Ring();
        }

        for (int queue = 0; queue < QueueSizes.Count; queue++)
        {
            session.Used(queue);
            if (session.Queues[queue]?.Error is { } error)
            {
                session.Fail($"queue {queue}: {error}");
            }
        }
    }

    /// <summary>There is news of a socket.</summary>
    private void Note(PollReady news)
    {
        if (news.Key == ListenerKey)
        {
            _mayAccept = true;
        }
        else if (_table.Find(news.Key) is { Far: SocketEnd far } connection)
        {
            far.Note(news.Events);
            Look(connection);
        }
    }

    /// <summary>There is news of another domain.</summary>
    private void Note(DomainEnd end)
    {
        end.TakeNews();
        if (end.IsClosed)
        {
            return;
        }

        if (end.Connection is { } connection)
        {
            Look(connection);
        }
        else if (_table.IsFull || end.Other.IsClosed)
        {
            end.Leave();
            _counters.Refused++;
        }
        else
        {
            connection = _table.Add(end);
            Ask(connection, end.Key);
        }
    }

    /// <summary>Everything that waited while nothing could be done is looked at.</summary>
    private void LookAgain()
    {
        _mayAccept = _endpoint.Listener is not null;
        foreach (VsockConnection? connection in _table.Places)
        {
            (connection?.Far as SocketEnd)?.Note(PollEvents.Readable | PollEvents.Writable);
            if (connection is not null)
            {
                Look(connection);
            }
        }
    }

    /// <summary>Does for a connection what its far end makes possible.</summary>
    private void Look(VsockConnection connection)
    {
        switch (connection.State)
        {
            case VsockState.Greeting:
                Greet(connection, (SocketEnd)connection.Far); // only what connects to the path begins so
                return;
            case VsockState.Lingering:
                Let(connection);
                return;
            case VsockState.Ending:
                connection.Far.Flush();
                return;
            case VsockState.Closed:
                return;
            default:
                break;
        }

        if (connection.Far is DomainEnd { IsReset: true })
        {
            End(connection, graceful: false);
            return;
        }

        if (connection is { State: VsockState.Asked, Far: DomainEnd { IsAccepted: true } })
        {
            connection.Accept();
            _counters.Opened++;
        }

        connection.Far.Flush();
        connection.NoteProgress();
        _table.Queue(connection);
    }

    /// <summary>Takes processes of the host that connect, as many as there is room for.</summary>
    private void Accept()
    {
        while (_mayAccept && !_table.IsFull)
        {
            if (_endpoint.Listener?.Accept() is not { } socket)
            {
                _mayAccept = false;
                return;
            }

            if (_endpoint.TakeOver(socket, _table) is not { } far)
            {
                _counters.Refused++;
                continue;
            }

            VsockConnection connection = _table.Add(far);
            if (_set.TryAdd(socket.Handle, connection.Id))
            {
                Greet(connection, far);
            }
            else
            {
                _table.Remove(connection);
            }
        }
    }

    /// <summary>Reads which port a process of the host wants, and asks the guest.</summary>
    private void Greet(VsockConnection connection, SocketEnd far)
    {
        if (!far.TryReadLine(out uint? port))
        {
            _counters.Refused++;
            _table.Remove(connection);
        }
        else if (port is { } guestPort)
        {
            while (_table.Find(new VsockKey(VsockHeader.HostCid, _hostPort, guestPort)) is not null)
            {
                NextHostPort();
            }

            Ask(connection, new VsockKey(VsockHeader.HostCid, _hostPort, guestPort));
            NextHostPort();
        }
    }

    private void NextHostPort() => _hostPort = _hostPort == uint.MaxValue - 1 ? FirstHostPort : _hostPort + 1;

    /// <summary>Asks the guest to accept a connection.</summary>
    private void Ask(VsockConnection connection, VsockKey key)
    {
        if (!_table.TryName(key, connection))
        {
            _counters.Refused++;
            _table.Remove(connection);
            return;
        }

        connection.BeginAsking(key);
        _table.Queue(connection);
    }

    /// <summary>It is over for the guest: a reset tells it. What it sent still goes on where it ended by agreement.</summary>
    private void End(VsockConnection connection, bool graceful)
    {
        if (!graceful)
        {
            connection.Far.Close();
        }
        else
        {
            _ = connection.Far.Finish();
        }

        connection.BeginEnd(graceful);
        _table.Queue(connection);
    }

    /// <summary>It is over, and the guest knows: it goes when what the guest sent is on its way.</summary>
    private void Let(VsockConnection connection)
    {
        _table.Forget(connection);
        connection.Linger();
        if (connection.Far.Finish())
        {
            _table.Remove(connection);
        }
    }

    /// <summary>Tells the driver that all connections are gone, if that is so and it has a buffer for it.</summary>
    private void TellEvents(VirtioSession session)
    {
        if (_owesReset && session.Queues[EventQueue] is { } queue)
        {
            DescriptorChain chain = _chain!; // of the same Start as the session
            if (!queue.TryPop(chain) && !(queue.Await() && queue.TryPop(chain)))
            {
                return;
            }

            Span<byte> data = stackalloc byte[VsockEvent.Bytes];
            BinaryPrimitives.WriteUInt32LittleEndian(data, VsockEvent.TransportReset);
            if (!chain.TryWrite(0, data))
            {
                queue.Refuse($"a buffer of {chain.WritableBytes} bytes for events");
                return;
            }

            queue.Push(chain, VsockEvent.Bytes);
            queue.Publish();
            _owesReset = false;
        }
    }
}
