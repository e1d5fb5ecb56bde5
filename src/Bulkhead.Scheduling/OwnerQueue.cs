namespace Bulkhead.Scheduling;

/// <summary>One pCPU that belongs to one vCPU: no choice, no budget.</summary>
/// <remarks><i>Errors</i>: a second vCPU is our error and throws; the operator's is found before. <i>Threading</i>: the pCPU's worker.</remarks>
public sealed class OwnerQueue
{
    private bool _owned;
    private bool _runnable;

    /// <summary>Takes the vCPU in, blocked; its slot is 0.</summary>
    public int Add()
    {
        if (_owned)
        {
            throw new InvalidOperationException("The pCPU belongs to a vCPU already.");
        }

        _owned = true;
        return 0;
    }

    /// <summary>Lets the vCPU go.</summary>
    public void Remove() => _owned = _runnable = false;

    /// <summary>Makes it runnable, or not.</summary>
    public void Set(bool runnable) => _runnable = _owned && runnable;

    /// <summary>The vCPU, while it is runnable.</summary>
    public QueuePick Pick() => new(_runnable ? 0 : -1, long.MaxValue);
}
