using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>A real worker whose time is a number, with vCPUs that always want to run: its turns are exact.</summary>
internal sealed class SimulatedWorker : IIdle, IClock, ITurnTimer
{
    private readonly List<Domain> _domains = [];
    private readonly List<Placement> _placements = [];
    private readonly PcpuWorker _worker;
    private long _endNs;

    internal SimulatedWorker(IPolicy policy) =>
        _worker = new PcpuWorker(-1, policy, new WorkerOptions(() => NowNs, _ => this, this));

    public long NowNs { get; private set; }

    public ulong GuestTsc => (ulong)NowNs;

    public ulong TscHz => 1_000_000_000;

    public bool IsRung => false;

    /// <summary>Called on the worker's thread before every choice.</summary>
    internal Action<PcpuWorker>? BetweenTurns { get; set; }

    /// <summary>Whose turn it was, from when to when.</summary>
    internal List<(string Domain, long FromNs, long ToNs)> Turns { get; } = [];

    /// <summary>Places a domain of one vCPU.</summary>
    internal void Add(string name, Share share)
    {
        var domain = new Domain(name, 1, this, static _ => { });
        domain.Attach(_ => new HungryVcpu(this, domain));
        _placements.Add(_worker.Place(domain.Slots[0], share));
        domain.Start();
        _domains.Add(domain);
    }

    /// <summary>Changes what a domain is entitled to.</summary>
    internal void Change(string name, Share share) => _placements.Find(p => p.Slot.Domain.Name == name)!.Change(share);

    /// <summary>Runs on this thread up to a time.</summary>
    internal void Run(long endNs)
    {
        _endNs = endNs;
        _worker.Loop();
        _domains.ForEach(static d => d.Dispose());
    }

    public long WhenTsc(ulong guestTsc) => (long)guestTsc;

    public void Ring()
    {
    }

    public void Clear() => BetweenTurns?.Invoke(_worker);

    public void Wait(long untilNs, bool prompt) => Pass(untilNs);

    public void Aim(IVcpu? vcpu)
    {
    }

    public void Arm(long deadlineNs)
    {
    }

    public void Dispose()
    {
    }

    private void Pass(long untilNs)
    {
        NowNs = Math.Min(untilNs, _endNs);
        if (NowNs == _endNs)
        {
            _worker.Dispose();
        }
    }

    private sealed class HungryVcpu(SimulatedWorker worker, Domain domain) : FakeVcpu
    {
        public override StopReason Run(ICpuIo io, long untilNs)
        {
            long from = worker.NowNs;
            worker.Pass(untilNs);
            worker.Turns.Add((domain.Name, from, worker.NowNs));
            return StopReason.Budget;
        }
    }
}
