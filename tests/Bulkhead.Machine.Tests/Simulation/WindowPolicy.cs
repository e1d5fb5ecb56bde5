using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Tests.Simulation;

/// <summary>Lets its one vCPU run in the first part of every period only, and is to be asked again when that changes.</summary>
internal sealed class WindowPolicy(long periodNs, long openNs) : IPolicy
{
    private bool _runnable;

    /// <summary>When it was asked.</summary>
    internal List<long> AskedNs { get; } = [];

    public int Add(Share share) => 7;

    public bool IsUrgent(Share share) => false;

    public void Remove(int entry)
    {
    }

    public void Change(int entry, Share share)
    {
    }

    public void Wake(int entry) => _runnable = true;

    public void Block(int entry, bool voluntary) => _runnable = false;

    public (int Entry, long BudgetNs) Pick(long nowNs)
    {
        AskedNs.Add(nowNs);
        long phase = nowNs % periodNs;
        return phase >= openNs ? (-1, periodNs - phase) : (_runnable ? 7 : -1, openNs - phase);
    }

    public void Charge(long ranNs, long nowNs)
    {
    }
}
