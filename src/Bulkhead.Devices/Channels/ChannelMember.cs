namespace Bulkhead.Devices.Channels;

/// <summary>A domain's part in a channel.</summary>
/// <remarks><i>Threading</i>: any.</remarks>
public sealed class ChannelMember
{
    private readonly Channel _channel;
    private volatile ChannelPort? _port;
    private volatile bool _revoked;
    private long _rung;
    private long _taken;

    internal ChannelMember(Channel channel, int number, bool mayWrite) => (_channel, Number, MayWrite) = (channel, number, mayWrite);

    /// <summary>The channel.</summary>
    public Channel Channel => _channel;

    /// <summary>Its number.</summary>
    public int Number { get; }

    /// <summary>Whether it may write to the memory.</summary>
    public bool MayWrite { get; }

    /// <summary>Doorbells it rang that reached somebody.</summary>
    public long DoorbellsRung => Interlocked.Read(ref _rung);

    /// <summary>Doorbells that reached it.</summary>
    public long DoorbellsTaken => Interlocked.Read(ref _taken);

    /// <summary>Whether it takes no part for now: the memory is not there, and doorbells ring nobody.</summary>
    public bool IsRevoked
    {
        get => _revoked;
        set
        {
            _revoked = value;
            _port?.Refresh();
        }
    }

    /// <summary>Its device came, or went with the domain.</summary>
    internal void Attach(ChannelPort? port) => _port = port;

    /// <summary>It rings another.</summary>
    internal void Ring(int member, int vector)
    {
        if (!_revoked && _channel.Ring(member, vector))
        {
            Interlocked.Increment(ref _rung);
        }
    }

    /// <summary>It is rung.</summary>
    internal bool Take(int vector)
    {
        if (_revoked || _port is not { } port)
        {
            return false;
        }

        Interlocked.Increment(ref _taken);
        port.Interrupt(vector);
        return true;
    }
}
