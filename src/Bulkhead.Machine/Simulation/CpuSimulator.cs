using System.Diagnostics;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Simulation;

/// <summary>One CPU in virtual time: asks a policy as <see cref="PcpuWorker"/> does, and lets models of vCPUs spend the turns.</summary>
/// <remarks>
/// As there, the next deadline of anyone placed here ends a turn, and the policy is asked again. A turn that does not end by
/// itself goes on for the overrun: until then a wake-up is not noticed either, and counts from when it was due. Classes change as there too.
/// </remarks>
internal sealed class CpuSimulator(IPolicy policy, long overrunNs, Timeline timeline)
{
    private readonly List<VcpuModel> _vcpus = [];
    private int _last = -1;
    private long _nowNs;

    /// <summary>The vCPUs, in the order they were placed.</summary>
    internal IReadOnlyList<VcpuModel> Vcpus => _vcpus;

    internal long IdleNs { get; private set; }

    internal long Switches { get; private set; }

    /// <summary>Places a vCPU here, before the run.</summary>
    internal void Place(Share share, WorkSource work)
    {
        _vcpus.Add(new VcpuModel(policy.Add(share), share, work));
        timeline.AddLane();
    }

    /// <summary>Runs from 0 to <paramref name="endNs"/>.</summary>
    internal void Run(long endNs)
    {
        while (_nowNs < endNs)
        {
            WakeDue();
            (int entry, long budgetNs) = policy.Pick(_nowNs);
            long untilNs = Math.Min(NextDue(entry), endNs);
            untilNs = budgetNs >= untilNs - _nowNs ? untilNs : _nowNs + Math.Max(budgetNs, 1);
            if (entry < 0)
            {
                IdleNs += untilNs - _nowNs;
                _nowNs = untilNs;
            }
            else
            {
                Turn(IndexOf(entry), Math.Min(untilNs + overrunNs, endNs));
            }
        }

        for (int i = 0; i < _vcpus.Count; i++)
        {
            NoteDispatch(i);
        }
    }

    private void Turn(int index, long latestNs)
    {
        VcpuModel vcpu = _vcpus[index];
        NoteDispatch(index);
        Switches += _last >= 0 && _last != index ? 1 : 0;
        _last = index;
        bool warped = policy is BvtPolicy bvt && bvt.IsWarped(vcpu.Entry, _nowNs);
        string? inClass = vcpu.ClassName;
        long fromNs = _nowNs;
        long ranNs = vcpu.Run(fromNs, latestNs);
        _nowNs += ranNs;
        policy.Charge(ranNs, _nowNs);
        if (ranNs > 0)
        {
            timeline.AddTurn(index, new SimulatedTurn(fromNs, _nowNs, warped) { Class = inClass });
        }

        if (vcpu.LeftNs == 0)
        {
            policy.Block(vcpu.Entry, voluntary: true);
        }
    }

    private void NoteDispatch(int index)
    {
        if (_vcpus[index].Dispatch(_nowNs, out SimulatedWait wait))
        {
            timeline.AddWait(index, wait);
        }
    }

    private void WakeDue()
    {
        foreach (VcpuModel vcpu in _vcpus)
        {
            bool wakes = vcpu.TakeDue(_nowNs);
            if (vcpu.Reclass(_nowNs))
            {
                policy.Change(vcpu.Entry, vcpu.Entitled);
            }

            if (wakes)
            {
                policy.Wake(vcpu.Entry);
            }
        }
    }

    private long NextDue(int running)
    {
        long next = long.MaxValue;
        foreach (VcpuModel vcpu in _vcpus)
        {
            next = Math.Min(next, Math.Min(vcpu.NextNs, vcpu.NextChangeNs(_nowNs, vcpu.Entry == running)));
        }

        return next;
    }

    private int IndexOf(int entry)
    {
        int index = _vcpus.FindIndex(v => v.Entry == entry);
        return index >= 0 ? index : throw new UnreachableException("The policy picked a vCPU that was never placed here.");
    }
}
