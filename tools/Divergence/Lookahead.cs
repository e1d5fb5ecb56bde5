namespace Bulkhead.Tools.Divergence;

/// <summary>A stream of addresses that can be looked into before it is taken.</summary>
internal sealed class Lookahead
{
    private readonly IAddressSource _source;
    private ulong[] _ring = new ulong[1 << 12];
    private int _first;
    private int _count;
    private bool _ended;

    internal Lookahead(IAddressSource source)
    {
        _source = source;
    }

    /// <summary>How many addresses were taken.</summary>
    internal long Position { get; private set; }

    /// <summary>The address <paramref name="index"/> ahead; false where the stream ends before it.</summary>
    internal bool TryPeek(int index, out ulong address)
    {
        while (_count <= index)
        {
            if (_ended || !_source.TryNext(out ulong next))
            {
                _ended = true;
                address = 0;
                return false;
            }

            if (_count == _ring.Length)
            {
                Grow();
            }

            _ring[(_first + _count++) & (_ring.Length - 1)] = next;
        }

        address = _ring[(_first + index) & (_ring.Length - 1)];
        return true;
    }

    /// <summary>Takes addresses that were seen.</summary>
    internal void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _count);
        _first = (_first + count) & (_ring.Length - 1);
        _count -= count;
        Position += count;
    }

    /// <summary>Up to <paramref name="most"/> addresses from <paramref name="start"/> on.</summary>
    internal ulong[] Copy(int start, int most)
    {
        var copy = new List<ulong>();
        for (int i = 0; i < most && TryPeek(start + i, out ulong address); i++)
        {
            copy.Add(address);
        }

        return [.. copy];
    }

    private void Grow()
    {
        ulong[] ring = new ulong[_ring.Length * 2];
        for (int i = 0; i < _count; i++)
        {
            ring[i] = _ring[(_first + i) & (_ring.Length - 1)];
        }

        _ring = ring;
        _first = 0;
    }
}
