namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>The connections of a device: so many and no more, by their keys, and in the order in which they have something for the guest.</summary>
/// <remarks><i>Threading</i>: the device's executor.</remarks>
internal sealed class VsockTable(VsockCounters counters)
{
    private const int PlaceBits = 8; // of VsockEndpoint.MostConnections

    private readonly VsockConnection?[] _places = new VsockConnection?[VsockEndpoint.MostConnections];
    private readonly Stack<int> _free = new(Enumerable.Range(0, VsockEndpoint.MostConnections).Reverse());
    private readonly Dictionary<VsockKey, VsockConnection> _keys = new(VsockEndpoint.MostConnections);
    private readonly Queue<int> _ready = new(VsockEndpoint.MostConnections); // places, each once at most
    private readonly bool[] _isReady = new bool[VsockEndpoint.MostConnections];
    private readonly Stack<ByteRing> _rings = new(VsockEndpoint.MostConnections); // a guest that connects again and again makes no garbage of them
    private ulong _serial;

    /// <summary>Whether there is no room for one more.</summary>
    internal bool IsFull => _free.Count == 0;

    /// <summary>Whether any has, or had, something for the guest.</summary>
    internal bool HasReady => _ready.Count > 0;

    /// <summary>A ring for a socket's end, which it is taken from again when the connection is removed.</summary>
    internal ByteRing TakeRing() => _rings.TryPop(out ByteRing? ring) ? ring : new ByteRing();

    /// <summary>Makes one; not where it is full.</summary>
    internal VsockConnection Add(FarEnd far)
    {
        int place = _free.Pop();
        var connection = new VsockConnection(far, (++_serial << PlaceBits) | (uint)place);
        far.Connection = connection;
        _places[place] = connection;
        Volatile.Write(ref counters.Open, counters.Open + 1);
        return connection;
    }

    /// <summary>By its number; null where it is over.</summary>
    internal VsockConnection? Find(ulong id) => _places[PlaceOf(id)] is { } connection && connection.Id == id ? connection : null;

    /// <summary>By its key, or null.</summary>
    internal VsockConnection? Find(VsockKey key) => _keys.GetValueOrDefault(key);

    /// <summary>The guest's packets lead to it from now on; false where the key is another's.</summary>
    internal bool TryName(VsockKey key, VsockConnection connection) => _keys.TryAdd(key, connection);

    /// <summary>The guest's packets lead to it no more.</summary>
    internal void Forget(VsockConnection connection)
    {
        if (_keys.TryGetValue(connection.Key, out VsockConnection? named) && named == connection)
        {
            _keys.Remove(connection.Key);
        }
    }

    /// <summary>Ends one at once.</summary>
    internal void Remove(VsockConnection connection)
    {
        int place = PlaceOf(connection.Id);
        if (_places[place] == connection)
        {
            Forget(connection);
            connection.Close();
            if (connection.Far is DomainEnd end)
            {
                end.Leave();
            }
            else
            {
                connection.Far.Outgoing.Clear();
                _rings.Push(connection.Far.Outgoing);
            }

            _places[place] = null;
            _free.Push(place);
            Volatile.Write(ref counters.Open, counters.Open - 1);
        }
    }

    /// <summary>Ends all.</summary>
    internal void Clear()
    {
        foreach (VsockConnection? connection in _places)
        {
            if (connection is not null)
            {
                Remove(connection);
            }
        }

        _ready.Clear();
        Array.Clear(_isReady);
    }

    /// <summary>Lets one wait for its turn, where it has something for the guest.</summary>
    internal void Queue(VsockConnection connection)
    {
        int place = PlaceOf(connection.Id);
        if (!_isReady[place] && connection.HasPacket())
        {
            _isReady[place] = true;
            _ready.Enqueue(place);
        }
    }

    /// <summary>Whose turn it is; null where that one is gone.</summary>
    internal VsockConnection? Dequeue()
    {
        int place = _ready.Dequeue();
        _isReady[place] = false;
        return _places[place];
    }

    /// <summary>Every place.</summary>
    internal ReadOnlySpan<VsockConnection?> Places => _places;

    private static int PlaceOf(ulong id) => (int)(id & (VsockEndpoint.MostConnections - 1));
}
