namespace Bulkhead.Machine.Workers;

/// <summary>Everyone in turn for the same slice; a vCPU that just woke comes first.</summary>
internal sealed class RoundRobinPolicy(long sliceNs) : IPolicy
{
    // Who was removed keeps its place: it is never runnable again.
    private readonly List<bool> _runnable = [];
    private int _last = -1;
    private int _woken = -1;

    public int Add(Share share)
    {
        _runnable.Add(false);
        return _runnable.Count - 1;
    }

    public bool IsUrgent(Share share) => false;

    public void Remove(int entry) => _runnable[entry] = false;

    public void Change(int entry, Share share)
    {
    }

    public void Wake(int entry)
    {
        if (!_runnable[entry])
        {
            _runnable[entry] = true;
            _woken = entry;
        }
    }

    public void Block(int entry, bool voluntary) => _runnable[entry] = false;

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        int woken = _woken;
        _woken = -1;
        int found = woken >= 0 && _runnable[woken] ? woken : -1;
        bool alone = true;
        for (int i = 1; i <= _runnable.Count; i++)
        {
            int candidate = (_last + i) % _runnable.Count;
            if (!_runnable[candidate])
            {
                continue;
            }

            if (found < 0)
            {
                found = candidate;
            }
            else
            {
                alone &= candidate == found;
            }
        }

        _last = found >= 0 ? found : _last;
        return (found, alone ? long.MaxValue : sliceNs);
    }

    public void Charge(long ranNs, long nowNs)
    {
    }
}
