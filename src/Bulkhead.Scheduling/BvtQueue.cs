namespace Bulkhead.Scheduling;

/// <summary>Borrowed Virtual Time on one pCPU: who runs next, and for how long.</summary>
/// <remarks>
/// <para><i>Use</i>: a turn is <see cref="Pick"/>, run for at most its budget, <see cref="Charge"/> what was run; then
/// <see cref="Wake"/> and <see cref="Block"/> for whatever happened meanwhile, then <see cref="Pick"/> again. A wake-up
/// ends the turn (the running vCPU is charged first), because it can change who is first.</para>
/// <para><i>Rule</i>: the runnable vCPU with the smallest effective virtual time E runs; ties go to the newly woken, then
/// to the lower slot. The running vCPU i keeps the pCPU until some E_j &lt;= E_i - C / w_i, or until a vCPU that became
/// runnable since the last pick has E_j &lt;= E_i. Whoever comes next, E is the smallest of all.</para>
/// <para><i>Lag</i>: at every instant A_i &lt;= SVT + W_i + (C + 1 ns + overrun) / w_i, where overrun is how far a turn may
/// exceed its budget (or a wake-up go unnoticed), and W_i the largest warp that <see cref="Change"/> ever gives it. So two
/// runnable vCPUs differ by at most the larger of their two bounds. Proof: see <see cref="BvtBounds.LagNs"/>, and the bound on the time from wake-up to dispatch
/// <see cref="BvtBounds.Dispatch"/>.</para>
/// <para><i>Units</i>: nanoseconds, kept exactly to 2^-32 ns with the rest of each division carried; good for a century.
/// <i>Errors</i>: a wrong slot or a call out of order is our error and throws. <i>Threading</i>: the pCPU's worker.
/// <i>Cost</i>: a scan of the slots; nothing is allocated but by <see cref="Add"/> and <see cref="Attach"/> past the
/// capacity. <i>Source</i>: Duda, Cheriton, "Borrowed-Virtual-Time (BVT) scheduling: supporting latency-sensitive threads
/// in a general-purpose scheduler", SOSP 1999, 2 BVT Scheduling. Differences: E decides in both places where the paper
/// has A for the allowance, so that a woken vCPU never gets a turn of nothing.</para>
/// </remarks>
public sealed partial class BvtQueue
{
    /// <summary>The largest context-switch allowance: one second.</summary>
    public const long MaxAllowanceNs = 1_000_000_000;

    private readonly Int128 _allowance;
    private BvtEntry[] _entries;
    private int _end;
    private int _running = -1;
    private Int128 _lastSvt;

    /// <summary>Creates the empty queue of a pCPU.</summary>
    /// <param name="allowanceNs">C, 1 ns to a second: real time, much larger than the cost of a switch.</param>
    /// <param name="capacity">How many vCPUs to make room for; more may come.</param>
    public BvtQueue(long allowanceNs, int capacity = 8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(allowanceNs, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(allowanceNs, MaxAllowanceNs);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        AllowanceNs = allowanceNs;
        _allowance = VirtualTime.Scale(allowanceNs);
        _entries = new BvtEntry[capacity];
    }

    /// <summary>C, the context-switch allowance, in real time.</summary>
    public long AllowanceNs { get; }

    /// <summary>The slot picked last, while it stays runnable and keeps its warp; else -1.</summary>
    public int Running => _running;

    /// <summary>SVT in whole nanoseconds: the smallest A of the runnable, or its last value where nobody is.</summary>
    public long SvtNs => VirtualTime.Floor(Svt);

    internal Int128 Svt
    {
        get
        {
            bool any = false;
            Int128 least = _lastSvt;
            for (int slot = 0; slot < _end; slot++)
            {
                ref BvtEntry entry = ref _entries[slot];
                if (entry.Runnable && (!any || entry.Actual < least))
                {
                    least = entry.Actual;
                    any = true;
                }
            }

            return least;
        }
    }

    /// <summary>Makes room for so many vCPUs, so that none of them allocates when it comes.</summary>
    public void Reserve(int vcpus)
    {
        if (vcpus > _entries.Length)
        {
            Array.Resize(ref _entries, vcpus);
        }
    }

    /// <summary>Takes a vCPU in, blocked, with A = SVT; returns the slot that names it here.</summary>
    public int Add(in BvtParameters parameters)
    {
        parameters.Check();
        return Place(new BvtEntry { Used = true, Parameters = parameters, Actual = Svt });
    }

    /// <summary>Lets a vCPU go; its slot may be given to another.</summary>
    public void Remove(int slot)
    {
        Leave(slot);
        _entries[slot] = default;
    }

    /// <summary>Takes a vCPU out to put it into another pCPU's queue; charge it first where it was running.</summary>
    public BvtMigrant Detach(int slot)
    {
        BvtEntry entry = At(slot);
        var migrant = new BvtMigrant(entry, entry.Actual - Svt);
        Remove(slot);
        return migrant;
    }

    /// <summary>Takes in a vCPU that left another queue, with the same A - SVT, runnable where it was; returns its slot.</summary>
    public int Attach(in BvtMigrant migrant)
    {
        BvtEntry entry = migrant.Entry;
        if (!entry.Used)
        {
            throw new ArgumentException("The migrant comes from no queue.", nameof(migrant));
        }

        entry.Actual = Svt + migrant.Lag;
        entry.Fresh = entry.Runnable;
        return Place(entry);
    }

    /// <summary>Makes a vCPU runnable; nothing happens where it is already.</summary>
    public void Wake(int slot)
    {
        ref BvtEntry entry = ref At(slot);
        if (entry.Runnable)
        {
            return;
        }

        if (entry.Blocked == BlockKind.Voluntary)
        {
            Int128 svt = Svt;
            if (entry.Actual < svt)
            {
                entry.Actual = svt;
                entry.Residue = 0;
            }

            entry.WarpUsedNs = 0;
            if (entry.RegainNs == long.MaxValue)
            {
                entry.WarpLost = false;
                entry.RegainNs = 0;
            }
        }

        entry.Runnable = true;
        entry.Fresh = true;
    }

    /// <summary>Makes a vCPU not runnable; charge it first where it was running. Nothing happens where it already is.</summary>
    public void Block(int slot, BlockKind kind)
    {
        ref BvtEntry entry = ref At(slot);
        if (!entry.Runnable)
        {
            // Paused while asleep: the sleep stays voluntary, or the pause would earn it the time it slept through.
            return;
        }

        Leave(slot);
        entry.Runnable = false;
        entry.Fresh = false;
        entry.Blocked = kind;
    }

    /// <summary>Charges the running vCPU for a run that ended at <paramref name="nowNs"/>.</summary>
    public void Charge(long ranNs, long nowNs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ranNs);
        if (_running < 0)
        {
            throw new InvalidOperationException("Nobody is running: pick first, and charge before blocking.");
        }

        _entries[_running].Charge(ranNs, nowNs);
    }

    /// <summary>Changes weight and warp from now on; what it ran so far stays charged as it was.</summary>
    /// <remarks>The running one that gives up warp gives up the allowance too: whoever is before it now goes first.</remarks>
    public void Change(int slot, in BvtParameters parameters)
    {
        parameters.Check();
        ref BvtEntry entry = ref At(slot);
        if (slot == _running && parameters.UsableWarpNs < entry.Parameters.UsableWarpNs)
        {
            _running = -1;
        }

        entry.Residue = entry.Residue * parameters.Weight / entry.Parameters.Weight;
        entry.Parameters = parameters;
    }

    /// <summary>The vCPU's parameters.</summary>
    public BvtParameters Parameters(int slot) => At(slot).Parameters;

    /// <summary>Whether the vCPU is runnable.</summary>
    public bool IsRunnable(int slot) => At(slot).Runnable;

    /// <summary>Whether the vCPU's warp applies at <paramref name="nowNs"/>.</summary>
    public bool IsWarped(int slot, long nowNs) => At(slot).IsWarped(nowNs);

    /// <summary>A, the vCPU's actual virtual time, in whole nanoseconds.</summary>
    public long ActualNs(int slot) => VirtualTime.Floor(At(slot).Actual);

    /// <summary>E, the vCPU's effective virtual time at <paramref name="nowNs"/>, in whole nanoseconds.</summary>
    public long EffectiveNs(int slot, long nowNs) => VirtualTime.Floor(At(slot).Effective(nowNs));

    /// <summary>All real time charged to the vCPU, other queues included.</summary>
    public long RanNs(int slot) => At(slot).RanNs;

    internal Int128 Actual(int slot) => At(slot).Actual;

    private ref BvtEntry At(int slot)
    {
        if ((uint)slot >= (uint)_end || !_entries[slot].Used)
        {
            ThrowSlot(slot);
        }

        return ref _entries[slot];
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void ThrowSlot(int slot) =>
        throw new ArgumentOutOfRangeException(nameof(slot), slot, "No vCPU stands in this slot.");

    // The queue's SVT is remembered before a vCPU leaves, because it may be the last one.
    private void Leave(int slot)
    {
        if (At(slot).Runnable)
        {
            _lastSvt = Svt;
        }

        if (_running == slot)
        {
            _running = -1;
        }
    }

    private int Place(in BvtEntry entry)
    {
        int slot = 0;
        while (slot < _end && _entries[slot].Used)
        {
            slot++;
        }

        if (slot == _entries.Length)
        {
            Array.Resize(ref _entries, slot * 2);
        }

        _entries[slot] = entry;
        _end = Math.Max(_end, slot + 1);
        return slot;
    }
}
