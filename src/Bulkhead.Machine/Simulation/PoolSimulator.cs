using System.Diagnostics;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling.Balance;

namespace Bulkhead.Machine.Simulation;

/// <summary>The CPUs of a pool in one virtual time: each asks its policy as <see cref="PcpuWorker"/> does, and models of vCPUs spend the turns.</summary>
/// <remarks>
/// As there, the next deadline of anyone on a CPU ends its turn, and the policy is asked again; an idle CPU asks for work, and one on
/// which somebody waits looks at the pool. A turn that does not end by itself goes on for the overrun: until then a wake-up, or a vCPU that
/// comes, is not noticed either. Classes change as there too. Of several CPUs whose turns end at a time, the first goes first.
/// </remarks>
internal sealed class PoolSimulator
{
    private readonly SimulatedPcpu[] _cpus;
    private readonly List<VcpuModel> _vcpus = [];
    private readonly long _overrunNs;
    private readonly Timeline _timeline;
    private readonly PoolLayout? _layout;
    private PoolBalancer? _balancer;
    private long _nextLookNs;
    private long _nowNs;
    private long _endNs;

    /// <summary>Creates the simulator of a pool with a CPU for each policy.</summary>
    /// <param name="policies">Who picks on each.</param>
    /// <param name="overrunNs">How long turns go on.</param>
    /// <param name="timeline">Where turns and waits go.</param>
    /// <param name="layout">Who may be where; null: where it was placed.</param>
    internal PoolSimulator(IReadOnlyList<IPolicy> policies, long overrunNs, Timeline timeline, PoolLayout? layout = null)
    {
        _cpus = [.. policies.Select(static (policy, number) => new SimulatedPcpu(policy, number))];
        _overrunNs = overrunNs;
        _timeline = timeline;
        _layout = layout is { Moves: true } ? layout : null;
    }

    /// <summary>The vCPUs, in the order they were placed.</summary>
    internal IReadOnlyList<VcpuModel> Vcpus => _vcpus;

    /// <summary>Its CPUs.</summary>
    internal IReadOnlyList<SimulatedPcpu> Cpus => _cpus;

    /// <summary>Places a vCPU, before the run.</summary>
    internal void Place(Share share, WorkSource work, int cpu = 0, int domain = 0)
    {
        _vcpus.Add(new VcpuModel(_cpus[cpu].Policy.Add(share), work, share, cpu, domain));
        _timeline.AddLane();
    }

    /// <summary>Runs from 0 to <paramref name="endNs"/>.</summary>
    internal void Run(long endNs)
    {
        _endNs = endNs;
        _balancer = _layout is null ? null : Balancer(_layout);
        while (_cpus.MinBy(static c => c.UntilNs) is { UntilNs: < long.MaxValue } cpu)
        {
            _nowNs = cpu.UntilNs;
            End(cpu);
            if (_nowNs < endNs)
            {
                Begin(cpu);
            }
            else
            {
                cpu.UntilNs = long.MaxValue;
            }
        }

        for (int i = 0; i < _vcpus.Count; i++)
        {
            NoteDispatch(i);
        }
    }

    private PoolBalancer Balancer(PoolLayout layout)
    {
        var balancer = new PoolBalancer(_cpus.Length, _vcpus.Count);
        for (int i = 0; i < _vcpus.Count; i++)
        {
            foreach (SimulatedPcpu cpu in _cpus)
            {
                balancer.Allow(i, cpu.Number, layout.IsAllowed(i, cpu.Number));
            }
        }

        return balancer;
    }

    private void End(SimulatedPcpu cpu)
    {
        long ranNs = _nowNs - cpu.FromNs;
        if (cpu.Running < 0)
        {
            cpu.IdleNs += ranNs;
            return;
        }

        VcpuModel vcpu = _vcpus[cpu.Running];
        vcpu.Spend(ranNs, _nowNs);
        cpu.Policy.Charge(ranNs, _nowNs);
        if (ranNs > 0)
        {
            _timeline.AddTurn(cpu.Running, new SimulatedTurn(cpu.FromNs, _nowNs, cpu.Warped, cpu.Number) { Class = cpu.Class });
        }

        if (vcpu.LeftNs == 0)
        {
            cpu.Policy.Block(vcpu.Entry, voluntary: true);
            vcpu.Sleeps++;
        }
    }

    private void Begin(SimulatedPcpu cpu)
    {
        Receive(cpu);
        HandOver(cpu);
        WakeDue(cpu);
        (int entry, long budgetNs) = cpu.Policy.Pick(_nowNs);
        long untilNs = Math.Min(NextDue(cpu, entry), _endNs);
        untilNs = budgetNs >= untilNs - _nowNs ? untilNs : _nowNs + Math.Max(budgetNs, 1);
        cpu.FromNs = _nowNs;
        if (entry < 0)
        {
            (cpu.Running, cpu.UntilNs) = (-1, untilNs);
            AskForWork(cpu);
        }
        else
        {
            int index = IndexOf(cpu, entry);
            GiveAway(cpu, index);
            Turn(cpu, index, Math.Min(untilNs + _overrunNs, _endNs));
        }
    }

    private void Turn(SimulatedPcpu cpu, int index, long latestNs)
    {
        NoteDispatch(index);
        cpu.Switches += cpu.Last >= 0 && cpu.Last != index ? 1 : 0;
        VcpuModel vcpu = _vcpus[index];
        (cpu.Running, cpu.Last, cpu.Asking) = (index, index, false);
        cpu.Warped = cpu.Policy is BvtPolicy bvt && bvt.IsWarped(vcpu.Entry, _nowNs);
        cpu.Class = vcpu.ClassName;
        cpu.UntilNs = _nowNs + vcpu.Plan(_nowNs, latestNs);
    }

    private void NoteDispatch(int index)
    {
        if (_vcpus[index].Dispatch(_nowNs, out SimulatedWait wait))
        {
            _timeline.AddWait(index, wait);
        }
    }

    private void WakeDue(SimulatedPcpu cpu)
    {
        foreach (VcpuModel vcpu in _vcpus)
        {
            if (!vcpu.IsOn(cpu))
            {
                continue;
            }

            bool wakes = vcpu.TakeDue(_nowNs);
            if (vcpu.Reclass(_nowNs))
            {
                cpu.Policy.Change(vcpu.Entry, vcpu.Entitled);
            }

            if (wakes)
            {
                cpu.Policy.Wake(vcpu.Entry);
            }
        }
    }

    private long NextDue(SimulatedPcpu cpu, int running)
    {
        long next = long.MaxValue;
        foreach (VcpuModel vcpu in _vcpus)
        {
            next = vcpu.IsOn(cpu) ? Math.Min(next, Math.Min(vcpu.NextNs, vcpu.NextChangeNs(_nowNs, vcpu.Entry == running))) : next;
        }

        return next;
    }

    private int IndexOf(SimulatedPcpu cpu, int entry)
    {
        int index = _vcpus.FindIndex(v => v.IsOn(cpu) && v.Entry == entry);
        return index >= 0 ? index : throw new UnreachableException("The policy picked a vCPU that is not there.");
    }

    private int RunnableOn(SimulatedPcpu cpu) => _vcpus.Count(v => v.IsOn(cpu) && v.LeftNs != 0);

    private void AskForWork(SimulatedPcpu cpu)
    {
        if (_layout is null)
        {
            return;
        }

        cpu.Asking = true;
        foreach (SimulatedPcpu other in _cpus)
        {
            if (other != cpu && RunnableOn(other) > 1 && _vcpus.Where((v, i) => v.IsOn(other) && v.LeftNs != 0 && _layout.IsAllowed(i, cpu.Number)).Any())
            {
                Interrupt(other);
                return;
            }
        }
    }

    private void GiveAway(SimulatedPcpu cpu, int next)
    {
        foreach (SimulatedPcpu other in _cpus)
        {
            if (other.Asking && other != cpu && RunnableOn(cpu) > 1 && Choose(cpu, other, next) is { } vcpu)
            {
                other.Asking = false;
                Send(cpu, vcpu, other);
            }
        }
    }

    private VcpuModel? Choose(SimulatedPcpu from, SimulatedPcpu to, int next)
    {
        VcpuModel? best = null;
        double bestAhead = double.MaxValue;
        for (int i = 0; i < _vcpus.Count; i++)
        {
            VcpuModel vcpu = _vcpus[i];
            double ahead = _balancer?.AheadNs(i) ?? 0;
            if (i != next && vcpu.IsOn(from) && vcpu.LeftNs != 0 && _layout?.IsAllowed(i, to.Number) == true
                && MoveRules.MayFillIdle(vcpu.WaitsSinceNs, vcpu.MovedNs) && ahead < bestAhead)
            {
                (best, bestAhead) = (vcpu, ahead);
            }
        }

        return best;
    }

    // Who was to be moved to even out shares; then, if it is time to, a look at who is next.
    private void HandOver(SimulatedPcpu cpu)
    {
        if (_balancer is null)
        {
            return;
        }

        if (RunnableOn(cpu) > 1 && _nowNs >= _nextLookNs)
        {
            Look(_balancer);
            _nextLookNs = _nowNs + PoolBalancer.PeriodNs;
        }

        foreach (VcpuModel vcpu in _vcpus)
        {
            if (vcpu.IsOn(cpu) && vcpu.Wanted is { } to)
            {
                vcpu.Wanted = null;
                if (to != cpu && vcpu.LeftNs != 0 && RunnableOn(cpu) > 1 && MoveRules.MayEven(vcpu.WaitsSinceNs, vcpu.MovedNs, _nowNs))
                {
                    Send(cpu, vcpu, to);
                }
            }
        }
    }

    private void Look(PoolBalancer balancer)
    {
        for (int i = 0; i < _vcpus.Count; i++)
        {
            VcpuModel vcpu = _vcpus[i];
            SimulatedPcpu cpu = _cpus[vcpu.Cpu];
            long ranNs = vcpu.RanNs + (cpu.Running == i && cpu.UntilNs > _nowNs ? _nowNs - cpu.FromNs : 0);
            balancer.Load(i) = vcpu.LoadSinceLook(ranNs, _nowNs);
        }

        balancer.Look();
        while (balancer.TryNext(out PoolMove move))
        {
            _vcpus[move.Vcpu].Wanted = _cpus[move.Cpu];
        }
    }

    private void Send(SimulatedPcpu from, VcpuModel vcpu, SimulatedPcpu to)
    {
        IMovingPolicy mover = from.Mover ?? throw new UnreachableException("The layout moves vCPUs that the policy does not.");
        vcpu.Leave(mover.Detach(vcpu.Entry), to.Number, _nowNs);
        Interrupt(to);
    }

    private void Receive(SimulatedPcpu cpu)
    {
        foreach (VcpuModel vcpu in _vcpus)
        {
            if (vcpu.Cpu == cpu.Number && vcpu.OnItsWay is { } migrant && cpu.Mover is { } mover)
            {
                vcpu.Enter(mover.Attach(migrant));
            }
        }
    }

    private void Interrupt(SimulatedPcpu cpu) => cpu.UntilNs = Math.Min(cpu.UntilNs, Math.Min(_nowNs + _overrunNs, _endNs));
}
