namespace Bulkhead.Scheduling.Classes;

/// <summary>Which class one vCPU is in: the first of its list that is selected and has budget left; else 0, its own parameters.</summary>
/// <remarks>
/// <para><i>Use</i>: tell it what happens (<see cref="Wake"/>, <see cref="Halt"/>, <see cref="Say"/>, <see cref="TaskPriority"/>), charge what
/// was run, and <see cref="Select"/> between turns: a turn has one class. It must end at <see cref="NextChangeNs"/> at the latest.</para>
/// <para><i>Errors</i>: none; it is the guest's to say what it likes. <i>Threading</i>: the pCPU's worker; <see cref="Current"/> and
/// <see cref="Ring"/> from any thread. <i>Cost</i>: a scan of the list; allocates in <see cref="Change"/> only.</para>
/// </remarks>
public sealed class ClassSelector
{
    private ClassRule[] _rules = [];
    private Use[] _uses = [];
    private int _current;
    private bool _woken;
    private long _ranSinceWakeNs;
    private ulong _rung;

    /// <summary>Of a vCPU that is in no class yet.</summary>
    public ClassSelector(ReadOnlySpan<ClassRule> rules) => Change(rules);

    /// <summary>The class selected last: its place in the list, counted from 1; 0 = none, its own parameters.</summary>
    public int Current => Volatile.Read(ref _current);

    /// <summary>How many classes there are.</summary>
    public int Count => _rules.Length;

    /// <summary>What the guest said last; 0 = nothing, or it halted since.</summary>
    public byte Hint { get; private set; }

    /// <summary>CR8, 0 to 15.</summary>
    public byte TaskPriority { get; set; }

    /// <summary>Takes another list; what was used of budgets stays used where the list is as long as before.</summary>
    public void Change(ReadOnlySpan<ClassRule> rules)
    {
        _uses = rules.Length == _uses.Length ? _uses : new Use[rules.Length];
        _rules = rules.ToArray();
    }

    /// <summary>It became runnable after a sleep.</summary>
    public void Wake() => (_woken, _ranSinceWakeNs) = (true, 0);

    /// <summary>It halted: nothing of what it said or did before counts any more. Which doorbells had rung.</summary>
    public ulong Halt() => Say(0);

    /// <summary>The guest says what it is doing. Which doorbells had rung.</summary>
    public ulong Say(byte hint)
    {
        (_woken, Hint) = (false, hint);
        return Interlocked.Exchange(ref _rung, 0);
    }

    /// <summary>Others rang doorbells of its, a bit each. True: that may change its class.</summary>
    public bool Ring(ulong doorbells)
    {
        ulong heard = 0;
        foreach (ref readonly ClassRule rule in _rules.AsSpan())
        {
            heard |= rule.Doorbell is { } doorbell ? doorbells & (1ul << doorbell) : 0;
        }

        return (heard & ~Interlocked.Or(ref _rung, heard)) != 0;
    }

    /// <summary>Charges a run in the class selected last that ended at <paramref name="nowNs"/>.</summary>
    public void Charge(long ranNs, long nowNs)
    {
        _ranSinceWakeNs += ranNs;
        if (_current == 0 || ranNs == 0)
        {
            return;
        }

        ref Use use = ref _uses[_current - 1];
        long used = IsFresh(_current - 1, nowNs - ranNs) ? 0 : use.UsedNs;
        use = new Use(used + ranNs, nowNs, Any: true);
    }

    /// <summary>Selects; whether that is another class than before.</summary>
    public bool Select(long nowNs)
    {
        int selected = Selected(nowNs);
        bool differs = selected != _current;
        Volatile.Write(ref _current, selected);
        return differs;
    }

    /// <summary>Which class it would be in now, were it charged.</summary>
    public int Selected(long nowNs)
    {
        for (int i = 0; i < _rules.Length; i++)
        {
            if (IsWanted(i) && LeftNs(i, nowNs) > 0)
            {
                return i + 1;
            }
        }

        return 0;
    }

    /// <summary>When time alone may put it into another class: it runs from <paramref name="nowNs"/> on, or waits.</summary>
    /// <remarks><i>Units</i>: nanoseconds of the clock of <paramref name="nowNs"/>; <see cref="long.MaxValue"/> = never.</remarks>
    public long NextChangeNs(long nowNs, bool runs)
    {
        long next = long.MaxValue;
        if (runs && _current != 0)
        {
            int own = _current - 1;
            long left = LeftNs(own, nowNs);
            if (!IsWantedAnyway(own))
            {
                left = Math.Min(left, _rules[own].WakeNs - _ranSinceWakeNs);
            }

            next = left > long.MaxValue - nowNs ? long.MaxValue : nowNs + Math.Max(left, 1);
        }

        // Those before it in the list are not selected, or have no budget: until it comes back.
        int before = _current == 0 ? _rules.Length : _current - 1;
        for (int i = 0; i < before; i++)
        {
            if (IsWanted(i) && LeftNs(i, nowNs) <= 0)
            {
                next = Math.Min(next, _uses[i].EndNs + _rules[i].Budget.RestNs);
            }
        }

        return next;
    }

    private bool IsWanted(int i) => IsWantedAnyway(i) || (_woken && _ranSinceWakeNs < _rules[i].WakeNs);

    private bool IsWantedAnyway(int i)
    {
        ref ClassRule rule = ref _rules[i];
        return (rule.Hint != 0 && rule.Hint == Hint) || (rule.TaskPriority != 0 && TaskPriority >= rule.TaskPriority)
            || (rule.Doorbell is { } doorbell && (Volatile.Read(ref _rung) >> doorbell & 1) != 0);
    }

    private long LeftNs(int i, long nowNs)
    {
        long limit = _rules[i].Budget.LimitNs;
        return limit == 0 ? long.MaxValue : IsFresh(i, nowNs) ? limit : limit - _uses[i].UsedNs;
    }

    private bool IsFresh(int i, long nowNs) => !_uses[i].Any || nowNs - _uses[i].EndNs >= _rules[i].Budget.RestNs;

    /// <summary>What was run in a class since its count began, and the end of the last run in it.</summary>
    private readonly record struct Use(long UsedNs, long EndNs, bool Any);
}
