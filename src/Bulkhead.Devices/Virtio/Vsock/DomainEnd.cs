namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>The far end is another domain: two of these make a connection, one in each device.</summary>
/// <remarks><i>Threading</i>: each belongs to its device's executor; what the other one reads of it is volatile.</remarks>
internal sealed class DomainEnd : FarEnd
{
    private const int CreditStep = ByteRing.Capacity / 4;

    private readonly VsockEndpoint _owner;
    private readonly DomainEnd _other;
    private readonly RingPair _rings;
    private int _news;
    private bool _left;
    private uint _flushed;
    private volatile bool _accepted;
    private volatile bool _sendEnded;
    private volatile bool _receiveEnded;
    private volatile bool _closed;

    /// <summary>Both ends of a connection that a domain asks for; each device leaves its own.</summary>
    internal DomainEnd(VsockEndpoint asks, VsockEndpoint asked, VsockKey key, RingPair rings)
        : base(rings.Asked)
    {
        (_owner, Key, _rings) = (asks, key, rings);
        _other = new DomainEnd(asked, this, new VsockKey(asks.Cid, key.GuestPort, key.Port), rings);
        _accepted = true;
    }

    private DomainEnd(VsockEndpoint owner, DomainEnd other, VsockKey key, RingPair rings)
        : base(rings.Answered) => (_owner, _other, Key, _rings) = (owner, other, key, rings);

    /// <summary>By what its own device knows the connection.</summary>
    internal VsockKey Key { get; }

    /// <summary>The other domain's end.</summary>
    internal DomainEnd Other => _other;

    /// <summary>Whether the other domain accepted.</summary>
    internal bool IsAccepted => _other._accepted;

    /// <summary>Whether the other domain ended it at once.</summary>
    internal bool IsReset => _other._closed && !(_other._sendEnded && _other._receiveEnded);

    /// <summary>Whether it was ended here.</summary>
    internal bool IsClosed => _closed;

    internal override bool IsDeaf => _other._receiveEnded || _other._closed;

    internal override bool MayReceive => _other.Outgoing.Count > 0 || _other._sendEnded || _other._closed;

    /// <summary>The news is taken: what comes from now on is told again.</summary>
    internal void TakeNews() => Interlocked.Exchange(ref _news, 0);

    /// <summary>Tells this end's device that there is news of it; false where it has none that runs.</summary>
    internal bool Tell() => Interlocked.Exchange(ref _news, 1) != 0 || _owner.Post(this);

    /// <summary>Closes it, and its device never looks at what it carries again; the other one still may.</summary>
    internal void Leave()
    {
        if (!_closed)
        {
            Close();
        }

        if (!_left)
        {
            _left = true;
            _rings.Leave();
        }
    }

    internal override int Receive(Span<byte> into)
    {
        bool ended = _other._sendEnded || _other._closed; // before the ring is looked at: nothing is written after it
        ByteRing ring = _other.Outgoing;
        uint before = ring.Read;
        int copied = 0;
        while (copied < into.Length && ring.Filled() is { IsEmpty: false } bytes)
        {
            int count = Math.Min(bytes.Length, into.Length - copied);
            bytes[..count].CopyTo(into[copied..]);
            ring.Consume(count);
            copied += count;
        }

        if (before / CreditStep != (before + (uint)copied) / CreditStep)
        {
            _ = _other.Tell();
        }

        return copied == 0 && into.Length > 0 && ended ? -1 : copied;
    }

    // What was told of once is not told again, or two ends whose guests take nothing would wake each other for ever.
    internal override void Flush()
    {
        if (Outgoing.Written != _flushed)
        {
            _flushed = Outgoing.Written;
            _ = _other.Tell();
        }
    }

    internal override void Accept(uint hostPort)
    {
        _accepted = true;
        _ = _other.Tell();
    }

    internal override void EndSending()
    {
        _sendEnded = true;
        _ = _other.Tell();
    }

    internal override void EndReceiving()
    {
        _receiveEnded = true;
        _ = _other.Tell();
    }

    internal override bool Finish()
    {
        (_sendEnded, _receiveEnded) = (true, true);
        Close();
        return true;
    }

    internal override void Close()
    {
        _closed = true;
        _ = _other.Tell();
    }
}
