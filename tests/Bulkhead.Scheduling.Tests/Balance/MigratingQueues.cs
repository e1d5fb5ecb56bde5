using Bulkhead.Scheduling.Balance;
using Bulkhead.Scheduling.Classes;
using Bulkhead.Scheduling.Tests.Classes;

namespace Bulkhead.Scheduling.Tests.Balance;

/// <summary>Several pCPUs with a queue each, in one simulated time, between which vCPUs are moved at any moment they are not running.</summary>
internal sealed class MigratingQueues
{
    private readonly RandomSchedule _schedule;
    private readonly Random _random;
    private readonly BvtQueue[] _queues;
    private readonly Turn[] _turns;
    private readonly Guest[] _guests;
    private long _nowNs;

    public MigratingQueues(RandomSchedule schedule, int cpus, bool hungry)
    {
        _schedule = schedule;
        _random = new Random(schedule.Seed);
        _queues = [.. Enumerable.Range(0, cpus).Select(_ => new BvtQueue(schedule.AllowanceNs))];
        _turns = [.. Enumerable.Range(0, cpus).Select(_ => new Turn { Slot = -1 })];
        _guests = [.. schedule.Vcpus.Select((vcpu, i) => new Guest
        {
            Vcpu = vcpu,
            Classes = new ClassSelector([.. vcpu.Classes.Select(static c => c.Rule)]),
            Cpu = i % cpus,
            Slot = _queues[i % cpus].Add(vcpu.Own),
            Hungry = hungry || _random.Next(4) == 0,
            WakeNs = _random.NextInt64(schedule.ScaleNs),
        })];
    }

    /// <summary>Called after anything that can change a virtual time.</summary>
    public Action? Check { get; set; }

    /// <summary>Called after a wake-up, with A - SVT before it; and at the dispatch that follows.</summary>
    public Action<int, long>? Woken { get; set; }

    public Action<int>? Dispatched { get; set; }

    /// <summary>Whether moves keep to <see cref="MoveRules"/>; else none is refused.</summary>
    public bool KeepsRules { get; init; }

    public long NowNs => _nowNs;

    /// <summary>What all of them ran.</summary>
    public long RanNs { get; private set; }

    public int Moves { get; private set; }

    public IReadOnlyList<BvtQueue> Queues => _queues;

    /// <summary>Where each vCPU is: the CPU and its slot there, -1 while it is on its way.</summary>
    public IEnumerable<(int Cpu, int Slot)> Places => _guests.Select(static g => (g.Cpu, g.OnItsWay is null ? g.Slot : -1));

    /// <summary>Goes from event to event; at each <paramref name="move"/> may name a vCPU and a CPU.</summary>
    public void Run(int events, Func<(int Vcpu, int Cpu)?> move)
    {
        for (int i = 0; i < events; i++)
        {
            int cpu = Array.IndexOf(_turns, _turns.MinBy(static t => t.UntilNs));
            _nowNs = Math.Max(_turns[cpu].UntilNs, _nowNs);
            End(cpu);
            Receive(cpu);
            if (move() is { } wanted && _guests[wanted.Vcpu] is { OnItsWay: null } guest && guest.Cpu == cpu && wanted.Cpu != cpu
                && (!KeepsRules || MayMove(guest, wanted.Cpu)))
            {
                Send(guest, wanted.Cpu);
            }

            Wake(cpu);
            Begin(cpu);
        }
    }

    private void End(int cpu)
    {
        Turn turn = _turns[cpu];
        if (turn.Slot < 0)
        {
            return;
        }

        Guest guest = Array.Find(_guests, g => g.Cpu == cpu && g.OnItsWay is null && g.Slot == turn.Slot)!;
        long ran = _nowNs - turn.FromNs;
        _queues[cpu].Charge(ran, _nowNs);
        guest.Classes.Charge(ran, _nowNs);
        RanNs += ran;
        if (turn.Acts)
        {
            RandomRules.Act(guest.Classes, _random);
        }

        Check?.Invoke();
        guest.LeftNs -= guest.Hungry ? 0 : ran;
        if (guest.LeftNs <= 0 && !guest.Hungry)
        {
            _queues[cpu].Block(turn.Slot, BlockKind.Voluntary);
            guest.Classes.Halt();
            guest.IsAwake = false;
            guest.WakeNs = _nowNs + Length();
            Check?.Invoke();
        }

        turn.Slot = -1;
    }

    // To a CPU where nobody is, nor is on the way to; or to any.
    private bool MayMove(Guest guest, int to) => guest.IsAwake
        && (Array.Exists(_guests, g => g.Cpu == to && (g.IsAwake || g.OnItsWay is not null))
            ? MoveRules.MayEven(guest.WaitingSinceNs, guest.MovedNs, _nowNs)
            : MoveRules.MayFillIdle(guest.WaitingSinceNs, guest.MovedNs));

    // Both between two turns of the CPU, as a worker does; it is noticed like a wake-up.
    private void Send(Guest guest, int to)
    {
        Moves++;
        guest.OnItsWay = _queues[guest.Cpu].Detach(guest.Slot);
        guest.Cpu = to;
        guest.MovedNs = _nowNs;
        Check?.Invoke();
        _turns[to].UntilNs = Math.Min(_turns[to].UntilNs, _nowNs + Overrun());
    }

    private void Receive(int cpu)
    {
        foreach (Guest guest in _guests)
        {
            if (guest.Cpu == cpu && guest.OnItsWay is { } migrant)
            {
                guest.Slot = _queues[cpu].Attach(migrant);
                guest.OnItsWay = null;
                Check?.Invoke();
            }
        }
    }

    private void Wake(int cpu)
    {
        foreach (Guest guest in _guests)
        {
            if (guest.Cpu == cpu && guest.OnItsWay is null && guest.WakeNs <= _nowNs)
            {
                guest.LeftNs = 1 + Length();
                guest.WakeNs = long.MaxValue;
                guest.Classes.Wake();
                Enter(guest);
                Int128 svt = _queues[cpu].Svt;
                _queues[cpu].Wake(guest.Slot);
                (guest.IsAwake, guest.WaitingSinceNs) = (true, Math.Max(_nowNs, 1));
                Woken?.Invoke(Array.IndexOf(_guests, guest), VirtualTime.Ceiling(_queues[cpu].Actual(guest.Slot) - svt));
                Check?.Invoke();
            }
        }
    }

    private void Enter(Guest guest)
    {
        if (guest.Classes.Select(_nowNs))
        {
            _queues[guest.Cpu].Change(guest.Slot, guest.Vcpu.In(guest.Classes.Current));
            Check?.Invoke();
        }
    }

    private long NextChange(int cpu, int running)
    {
        long next = long.MaxValue;
        foreach (Guest guest in _guests)
        {
            bool here = guest.Cpu == cpu && guest.OnItsWay is null && guest.IsAwake;
            next = here ? Math.Min(next, guest.Classes.NextChangeNs(_nowNs, guest.Slot == running)) : next;
        }

        return next;
    }

    private void Begin(int cpu)
    {
        foreach (Guest guest in _guests.Where(g => g.Cpu == cpu && g.OnItsWay is null && g.IsAwake))
        {
            Enter(guest);
        }

        QueuePick pick = _queues[cpu].Pick(_nowNs);
        long nextWake = _guests.Where(g => g.Cpu == cpu).Select(static g => g.WakeNs).DefaultIfEmpty(long.MaxValue).Min();
        long until = pick.BudgetNs > long.MaxValue / 1024 ? long.MaxValue / 1024 : _nowNs + pick.BudgetNs;
        until = Math.Min(until, Math.Min(nextWake, NextChange(cpu, pick.Slot)));
        if (pick.Found)
        {
            Guest guest = Array.Find(_guests, g => g.Cpu == cpu && g.OnItsWay is null && g.Slot == pick.Slot)!;
            Dispatched?.Invoke(Array.IndexOf(_guests, guest));
            guest.WaitingSinceNs = 0;
            long act = guest.Classes.Count == 0 ? long.MaxValue : _nowNs + Length();
            _turns[cpu].Acts = act <= until;
            until = Math.Min(Math.Min(until, act) + Overrun(), guest.Hungry ? long.MaxValue : _nowNs + guest.LeftNs);
        }

        _turns[cpu].Slot = pick.Slot;
        _turns[cpu].FromNs = _nowNs;
        _turns[cpu].UntilNs = Math.Max(until, _nowNs + 1);
    }

    private long Overrun() => _schedule.OverrunNs == 0 ? 0 : _random.NextInt64(_schedule.OverrunNs + 1);

    private long Length() => _random.NextInt64(_random.Next(5) == 0 ? _schedule.ScaleNs * 20 : _schedule.ScaleNs);

    private sealed class Turn
    {
        public int Slot { get; set; }

        public long FromNs { get; set; }

        public long UntilNs { get; set; }

        /// <summary>Whether the guest says or does something at its end.</summary>
        public bool Acts { get; set; }
    }

    private sealed class Guest
    {
        public required BvtVcpu Vcpu { get; init; }

        public required ClassSelector Classes { get; init; }

        public bool IsAwake { get; set; }

        public long WaitingSinceNs { get; set; }

        public long MovedNs { get; set; } = -PoolBalancer.HoldNs;

        public int Cpu { get; set; }

        public int Slot { get; set; }

        public BvtMigrant? OnItsWay { get; set; }

        public bool Hungry { get; init; }

        public long WakeNs { get; set; }

        public long LeftNs { get; set; }
    }
}
