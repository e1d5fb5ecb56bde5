using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Bulkhead.Abi.Virtio;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Host.Network;

namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>Where a domain's sockets lead: its number, who it may connect to, its path in the host. It stays over a reset.</summary>
/// <remarks><i>Threading</i>: any. Its lock is taken last. <i>Ownership</i>: the creator disposes it, after the devices of every domain.</remarks>
public sealed class VsockEndpoint : IDisposable
{
    /// <summary>The most connections at a time.</summary>
    public const int MostConnections = 256;

    // Of one that asks and ends it at once while nobody here takes news. What connections have to tell is less.
    private const int MostPosted = 2 * MostConnections;

    /// <summary>The least number of a guest: 2 is the host.</summary>
    public const int LeastCid = (int)VsockHeader.LeastGuestCid;

    private readonly DescriptorBudget _descriptors;
    private readonly UnixListener? _listener;
    private readonly string? _path;
    private readonly Dictionary<ulong, VsockEndpoint> _peers = [];
    private readonly Queue<DomainEnd> _posted = new(MostPosted);
    private readonly Stack<RingPair> _rings = new(); // a guest that connects again and again makes no garbage of them
    private readonly Lock _lock = new();
    private Action? _ring;

    /// <summary>An endpoint that leads to nobody yet.</summary>
    /// <param name="cid">The guest's number.</param>
    /// <param name="descriptors">What all guests may have open.</param>
    /// <param name="path">Where processes of the host connect to, and what the paths of those that listen begin with; null: there are none.</param>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where nothing can listen at the path.</remarks>
    public VsockEndpoint(uint cid, DescriptorBudget descriptors, string? path = null)
    {
        (Cid, _descriptors, _path) = (cid, descriptors, path);
        _listener = path is null ? null : UnixListener.Open(path);
    }

    /// <summary>The guest's number.</summary>
    public ulong Cid { get; }

    /// <summary>What its sockets did.</summary>
    public VsockCounters Counters { get; } = new();

    /// <summary>Whether it is not so far behind with news that it takes no more connections.</summary>
    private bool MayBeAsked
    {
        get
        {
            lock (_lock)
            {
                return _ring is not null && _posted.Count < MostPosted;
            }
        }
    }

    /// <summary>Where processes of the host connect to, or null.</summary>
    internal UnixListener? Listener => _listener;

    /// <summary>Lets the guest connect to another one's. While nothing runs.</summary>
    public void Allow(VsockEndpoint peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        _peers[peer.Cid] = peer;
    }

    /// <inheritdoc/>
    public void Dispose() => _listener?.Dispose();

    /// <summary>A driver is ready: it hears of news.</summary>
    internal void Open(Action ring)
    {
        lock (_lock)
        {
            _ring = ring;
        }
    }

    /// <summary>The driver is gone: nobody can connect, and news has no reader.</summary>
    internal void Shut()
    {
        lock (_lock)
        {
            _ring = null;
        }

        while (TryTake(out DomainEnd? end))
        {
            if (end.Connection is null)
            {
                end.Leave();
            }
        }
    }

    /// <summary>Tells of news of an end; false where no driver is ready.</summary>
    internal bool Post(DomainEnd end)
    {
        Action? ring;
        lock (_lock)
        {
            ring = _ring;
            if (ring is not null)
            {
                _posted.Enqueue(end);
            }
        }

        ring?.Invoke();
        return ring is not null;
    }

    /// <summary>Keeps what a connection that this one asked for has no use for any more.</summary>
    internal void Keep(RingPair rings)
    {
        lock (_lock)
        {
            _rings.Push(rings);
        }
    }

    /// <summary>Takes the next end of which there is news.</summary>
    internal bool TryTake([NotNullWhen(true)] out DomainEnd? end)
    {
        lock (_lock)
        {
            return _posted.TryDequeue(out end);
        }
    }

    /// <summary>Connects to where a guest wants to; null where nobody listens, or it may not.</summary>
    internal FarEnd? Connect(VsockKey key, VsockTable table)
    {
        if (key.Cid == VsockHeader.HostCid)
        {
            return _path is not null && UnixAddress.TryCreate(string.Create(CultureInfo.InvariantCulture, $"{_path}_{key.Port}")) is { } address
                && StreamSocket.Connect(address) is { } socket ? TakeOver(socket, table) : null;
        }

        if (!_peers.TryGetValue(key.Cid, out VsockEndpoint? peer) || !peer.MayBeAsked)
        {
            return null;
        }

        var end = new DomainEnd(this, peer, key, TakeRings());
        if (end.Other.Tell())
        {
            return end;
        }

        end.Other.Leave();
        end.Leave();
        return null;
    }

    /// <summary>The end of a socket; null where guests have too many already, and then the socket is closed.</summary>
    internal SocketEnd? TakeOver(StreamSocket socket, VsockTable table)
    {
        if (_descriptors.IsSpent)
        {
            socket.Dispose();
            return null;
        }

        _descriptors.Take();
        return new SocketEnd(socket, table.TakeRing(), _descriptors);
    }

    private RingPair TakeRings()
    {
        lock (_lock)
        {
            return _rings.TryPop(out RingPair? rings) ? rings : new RingPair(this);
        }
    }
}
