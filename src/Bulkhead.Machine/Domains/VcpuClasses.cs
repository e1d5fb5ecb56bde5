using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Machine.Domains;

/// <summary>The classes of one vCPU: hears what its guest says and does, and ends the turn where that puts it into another.</summary>
/// <remarks>
/// <i>Threading</i>: the worker's thread, on which the guest's accesses are served too; <see cref="Current"/>, doorbells and the names from any.
/// <i>Cost</i>: nothing is allocated but by the constructor.
/// </remarks>
internal sealed class VcpuClasses
{
    private readonly VcpuSlot _slot;
    private readonly ClassSelector _selector;

    /// <summary>Makes them of a vCPU; what it said before, and what it used of budgets, goes on.</summary>
    internal VcpuClasses(VcpuSlot slot, ClassNames names, ReadOnlySpan<ClassRule> rules, VcpuClasses? before)
    {
        _slot = slot;
        Names = names;
        _selector = before?._selector ?? new ClassSelector(rules);
        _selector.Change(rules);
    }

    /// <summary>Their names.</summary>
    internal ClassNames Names { get; }

    /// <summary>The class of its turns now, counted from 1; 0 = none of them.</summary>
    internal int Current => _selector.Current;

    /// <summary>What the guest said last.</summary>
    internal byte Hint => _selector.Hint;

    /// <summary>The name of <see cref="Current"/>.</summary>
    internal string Name => Names[Current];

    /// <summary>The guest says what it is doing.</summary>
    internal void Say(byte hint)
    {
        _ = _selector.Say(hint);
        Look();
    }

    /// <summary>Something the guest did may put it into another class: then the turn ends.</summary>
    internal void Look()
    {
        TakeTaskPriority();
        if (_selector.Selected(_slot.Worker?.CpuNowNs ?? 0) != _selector.Current)
        {
            _slot.Vcpu.EndTurn();
        }
    }

    /// <summary>Another domain rang a doorbell of this one.</summary>
    internal void Ring(int doorbell)
    {
        if (_selector.Ring(1ul << doorbell))
        {
            _slot.Worker?.Poke(null);
        }
    }

    /// <summary>It wakes.</summary>
    internal void Wake() => _selector.Wake();

    /// <summary>It halted, or starts anew.</summary>
    internal void Halt()
    {
        ulong rung = _selector.Halt();
        if (_slot.IsWoken)
        {
            _ = _selector.Ring(rung); // one of them woke it, perhaps, and it is yet to hear that
        }
    }

    /// <summary>Charges a turn.</summary>
    internal void Charge(long ranNs, long nowNs) => _selector.Charge(ranNs, nowNs);

    /// <summary>Between turns: whether it is in another class now.</summary>
    internal bool Select(long nowNs)
    {
        TakeTaskPriority();
        bool differs = _selector.Select(nowNs);
        if (differs)
        {
            _slot.Trace?.OnClass(_selector.Current);
        }

        return differs;
    }

    /// <summary>When a turn, or its wait for one, has to end because its class may.</summary>
    internal long NextChangeNs(long nowNs, bool runs) => _selector.NextChangeNs(nowNs, runs);

    // An INIT from elsewhere changes it without a word.
    private void TakeTaskPriority() => _selector.TaskPriority = _slot.Apic?.TaskPriority ?? 0;
}
