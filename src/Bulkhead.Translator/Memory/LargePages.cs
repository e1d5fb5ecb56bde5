namespace Bulkhead.Translator.Memory;

/// <summary>Where large pages were met: for each 512 GiB of linear addresses, a range that covers them.</summary>
internal sealed class LargePages
{
    private readonly ulong[] _from = new ulong[512];
    private readonly ulong[] _to = new ulong[512];
    private bool _any;

    /// <summary>Whether there is one.</summary>
    internal bool Any => _any;

    /// <summary>Notes the page of 2^<paramref name="shift"/> bytes at an address.</summary>
    internal void Add(ulong address, int shift)
    {
        int i = IndexOf(address);
        ulong last = (1ul << shift) - 1;
        ulong from = address & ~last;
        bool empty = _to[i] == 0;
        _from[i] = empty ? from : Math.Min(_from[i], from);
        _to[i] = Math.Max(_to[i], from | last);
        _any = true;
    }

    /// <summary>Whether an address may lie in one of them.</summary>
    internal bool MayHold(ulong address) => address >= _from[IndexOf(address)] && address <= _to[IndexOf(address)] && _any;

    /// <summary>Forgets all pages.</summary>
    internal void Clear()
    {
        if (_any)
        {
            Array.Clear(_from);
            Array.Clear(_to);
            _any = false;
        }
    }

    private static int IndexOf(ulong address) => (int)(address >> 39) & 511;
}
