using Bulkhead.Machine.Time;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Workers;

/// <summary>A policy in virtual time: its choices are the same every time, and a hash of them shows it. At the end of the time nobody
/// runs any more.</summary>
/// <param name="policy">Who chooses.</param>
/// <param name="clock">The time.</param>
/// <param name="onEnd">Ends every domain.</param>
internal sealed class VirtualPolicy(IPolicy policy, InstructionClock clock, Action onEnd) : IPolicy
{
    private (long NowNs, int Entry) _last = (-1, -1);

    /// <summary>A hash of who was chosen when, in order. Asked again at the same time with the same answer, it is the same choice; that
    /// nobody can run is none, and so the last choice comes before the end of the last domain.</summary>
    internal ulong Choices { get; private set; } = StateHash.Of([]);

    /// <summary>Told of each choice; for tests.</summary>
    internal Action<long, int>? Chosen { get; set; }

    public int Add(Share share) => policy.Add(share);

    public bool IsUrgent(Share share) => policy.IsUrgent(share);

    public void Remove(int entry) => policy.Remove(entry);

    public void Change(int entry, Share share) => policy.Change(entry, share);

    public void Wake(int entry) => policy.Wake(entry);

    public void Block(int entry, bool voluntary) => policy.Block(entry, voluntary);

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        long left = clock.LeftNs;
        if (left <= 0)
        {
            onEnd();
            return (-1, long.MaxValue);
        }

        (int entry, long budgetNs) = policy.Pick(nowNs);
        if (entry >= 0 && _last != (nowNs, entry))
        {
            _last = (nowNs, entry);
            Choices = StateHash.Add(StateHash.Add(Choices, (ulong)nowNs), (ulong)entry);
            Chosen?.Invoke(nowNs, entry);
        }

        return (entry, Math.Min(budgetNs, left));
    }

    public void Charge(long ranNs, long nowNs) => policy.Charge(ranNs, nowNs);
}
