namespace Bulkhead.Translator.Memory;

/// <summary>Which entries of a table were filled, so that few need clearing; once there were too many, all do.</summary>
/// <param name="capacity">So many are remembered.</param>
internal sealed class IndexLog(int capacity)
{
    private readonly ushort[] _indices = new ushort[capacity];
    private int _count;

    /// <summary>Whether anything was filled.</summary>
    internal bool Any => _count > 0;

    /// <summary>Notes an entry.</summary>
    internal void Add(int index)
    {
        if (_count < _indices.Length)
        {
            _indices[_count] = (ushort)index;
        }

        _count++;
    }

    /// <summary>The entries, where they are known; else none.</summary>
    internal ReadOnlySpan<ushort> Noted => _count <= _indices.Length ? _indices.AsSpan(0, _count) : default;

    /// <summary>Forgets them; true: <paramref name="filled"/> are the entries, false: every entry may have been.</summary>
    internal bool TryTake(out ReadOnlySpan<ushort> filled)
    {
        bool known = _count <= _indices.Length;
        filled = Noted;
        _count = 0;
        return known;
    }
}
