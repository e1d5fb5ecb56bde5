namespace Bulkhead.Translator.Cache;

/// <summary>An open-addressed map from a non-zero 64-bit key to a 32-bit value.</summary>
/// <remarks><i>Cost</i>: no allocation but when it grows (doubling). <i>Threading</i>: the owner's lock.</remarks>
internal sealed class IntMap(int capacity)
{
    private ulong[] _keys = new ulong[capacity];
    private int[] _values = new int[capacity];
    private int _count;

    /// <summary>Finds a value.</summary>
    internal bool TryGet(ulong key, out int value)
    {
        ulong[] keys = _keys;
        int mask = keys.Length - 1;
        int at = Slot(key, mask);
        while (keys[at] != 0)
        {
            if (keys[at] == key)
            {
                value = _values[at];
                return true;
            }

            at = (at + 1) & mask;
        }

        value = 0;
        return false;
    }

    /// <summary>Sets or replaces a value.</summary>
    internal void Set(ulong key, int value)
    {
        if (_count * 2 >= _keys.Length)
        {
            Grow();
        }

        int mask = _keys.Length - 1;
        int at = Slot(key, mask);
        while (_keys[at] != 0 && _keys[at] != key)
        {
            at = (at + 1) & mask;
        }

        if (_keys[at] == 0)
        {
            _keys[at] = key;
            _count++;
        }

        _values[at] = value;
    }

    /// <summary>Forgets everything.</summary>
    internal void Clear()
    {
        Array.Clear(_keys);
        _count = 0;
    }

    private static int Slot(ulong key, int mask) => (int)((key * 0x9E37_79B9_7F4A_7C15ul) >> 32) & mask;

    private void Grow()
    {
        ulong[] keys = _keys;
        int[] values = _values;
        _keys = new ulong[keys.Length * 2];
        _values = new int[keys.Length * 2];
        _count = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            if (keys[i] != 0)
            {
                Set(keys[i], values[i]);
            }
        }
    }
}
