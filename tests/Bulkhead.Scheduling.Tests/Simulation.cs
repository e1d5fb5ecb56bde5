using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling.Tests;

/// <summary>Drives a queue the way a pCPU's worker does, in simulated time.</summary>
internal sealed class Simulation(SimulatedQueue queue, long maxOverrunNs = 0, Func<long, long>? random = null)
{
    private readonly List<Guest> _guests = [];
    private int _lastDispatched = -1;

    public long NowNs { get; private set; }

    public int Switches { get; private set; }

    /// <summary>Each turn, consecutive turns of one vCPU joined: slot, from, to.</summary>
    public List<(int Slot, long FromNs, long ToNs)> Turns { get; } = [];

    /// <summary>Called after anything that can change a virtual time: every instant that can be an extreme.</summary>
    public Action? Check { get; set; }

    /// <summary>Called just before a wake-up, and at the dispatch that follows.</summary>
    public Action<int>? Waking { get; set; }

    public Action<int>? Woken { get; set; }

    public Action<int>? Dispatched { get; set; }

    /// <summary>Called after every pick.</summary>
    public Action<QueuePick>? Picked { get; set; }

    /// <summary>Called after every turn: the slot, its start, its length, and how much of that is overrun.</summary>
    public Action<int, long, long, long>? Ran { get; set; }

    /// <summary>A guest that runs <paramref name="burst"/> ns, sleeps <paramref name="sleep"/> ns, and again.</summary>
    public int Add(int slot, long firstWakeNs, Func<long> burst, Func<long> sleep)
    {
        _guests.Add(new Guest { Slot = slot, WakeNs = firstWakeNs, Burst = burst, Sleep = sleep });
        return slot;
    }

    /// <summary>Gives a guest classes; <paramref name="act"/> says how long it runs before it does something, and what that is.</summary>
    public ClassSelector Classify(int slot, ClassRule[] rules, Func<long> act, Action<ClassSelector> doIt)
    {
        Guest guest = _guests.Find(g => g.Slot == slot)!;
        (guest.Classes, guest.Act, guest.Do) = (new ClassSelector(rules), act, doIt);
        return guest.Classes;
    }

    public int AddHungry(int slot) =>
        Add(slot, 0, () => long.MaxValue, () => long.MaxValue);

    public void Run(long untilNs, int maxTurns = int.MaxValue)
    {
        Wake();
        for (int turn = 0; turn < maxTurns && NowNs < untilNs; turn++)
        {
            Select();
            QueuePick pick = queue.Pick(NowNs);
            Picked?.Invoke(pick);
            long nextWake = Math.Min(NextWake(), NextChange(pick.Slot));
            if (!pick.Found)
            {
                NowNs = Math.Min(Math.Min(nextWake, untilNs), pick.BudgetNs > untilNs - NowNs ? untilNs : NowNs + pick.BudgetNs);
                Wake();
                continue;
            }

            Guest guest = _guests.Find(g => g.Slot == pick.Slot)!;
            Dispatch(guest);
            long ran = Math.Min(Math.Min(pick.BudgetNs, nextWake - NowNs), untilNs - NowNs);
            long untilAct = guest.Act?.Invoke() ?? long.MaxValue;
            ran = Math.Min(ran, untilAct);
            long asked = ran;
            ran += maxOverrunNs == 0 ? 0 : random!(maxOverrunNs);
            ran = Math.Min(ran, guest.LeftNs);
            NowNs += ran;
            guest.LeftNs -= guest.LeftNs == long.MaxValue ? 0 : ran;
            Record(pick.Slot, ran);
            queue.Charge(ran, NowNs);
            guest.Classes?.Charge(ran, NowNs);
            if (ran >= untilAct && guest.Classes is { } classes)
            {
                guest.Do?.Invoke(classes);
            }

            Ran?.Invoke(pick.Slot, NowNs - ran, ran, Math.Max(ran - asked, 0));
            Check?.Invoke();
            if (guest.LeftNs == 0)
            {
                queue.Block(guest.Slot);
                guest.Classes?.Halt();
                guest.IsAwake = false;
                long sleep = guest.Sleep();
                guest.WakeNs = sleep == long.MaxValue ? sleep : NowNs + sleep;
                Check?.Invoke();
            }

            Wake();
        }
    }

    private long NextWake()
    {
        long next = long.MaxValue;
        foreach (Guest guest in _guests)
        {
            next = Math.Min(next, guest.WakeNs);
        }

        return next;
    }

    private void Wake()
    {
        foreach (Guest guest in _guests)
        {
            if (guest.WakeNs <= NowNs)
            {
                guest.Classes?.Wake();
                Enter(guest);
                Waking?.Invoke(guest.Slot);
                queue.Wake(guest.Slot);
                guest.IsAwake = true;
                guest.WakeNs = long.MaxValue;
                guest.LeftNs = guest.Burst();
                Woken?.Invoke(guest.Slot);
                Check?.Invoke();
            }
        }
    }

    // Of those that want to run: a class changes with a turn.
    private void Select()
    {
        foreach (Guest guest in _guests)
        {
            if (guest.IsAwake && Enter(guest))
            {
                Check?.Invoke();
            }
        }
    }

    private bool Enter(Guest guest)
    {
        bool differs = guest.Classes?.Select(NowNs) == true;
        if (differs)
        {
            queue.Enter(guest.Slot, guest.Classes!.Current);
        }

        return differs;
    }

    private long NextChange(int running)
    {
        long next = long.MaxValue;
        foreach (Guest guest in _guests)
        {
            next = guest.IsAwake && guest.Classes is { } classes ? Math.Min(next, classes.NextChangeNs(NowNs, guest.Slot == running)) : next;
        }

        return next;
    }

    private void Dispatch(Guest guest)
    {
        Dispatched?.Invoke(guest.Slot);
        if (_lastDispatched >= 0 && _lastDispatched != guest.Slot)
        {
            Switches++;
        }

        _lastDispatched = guest.Slot;
    }

    private void Record(int slot, long ran)
    {
        if (Turns.Count > 0 && Turns[^1].Slot == slot && Turns[^1].ToNs == NowNs - ran)
        {
            Turns[^1] = (slot, Turns[^1].FromNs, NowNs);
        }
        else
        {
            Turns.Add((slot, NowNs - ran, NowNs));
        }
    }

    private sealed class Guest
    {
        public int Slot { get; init; }

        public long WakeNs { get; set; }

        public long LeftNs { get; set; }

        public bool IsAwake { get; set; }

        public ClassSelector? Classes { get; set; }

        public Func<long>? Act { get; set; }

        public Action<ClassSelector>? Do { get; set; }

        public required Func<long> Burst { get; init; }

        public required Func<long> Sleep { get; init; }
    }
}
