using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>A worker on the real clock's rules whose time is a number, with vCPUs whose turns the test plays.</summary>
internal sealed class ScriptedWorker : IIdle, IClock, ITurnTimer
{
    private readonly List<Domain> _domains = [];
    private readonly PcpuWorker _worker;

    internal ScriptedWorker(IPolicy policy) =>
        _worker = new PcpuWorker(-1, policy, new WorkerOptions(() => NowNs, _ => this, this, RealTime: true));

    public long NowNs { get; set; } = 1;

    public ulong GuestTsc => (ulong)NowNs;

    public ulong TscHz => 1_000_000_000;

    public bool IsRung { get; private set; }

    /// <summary>Called on the worker's thread before every choice.</summary>
    internal Action? BetweenTurns { get; set; }

    /// <summary>Places a domain of one vCPU.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="share">What it is entitled to.</param>
    /// <param name="turn">Plays a turn that may last until a time.</param>
    internal ScriptedVcpu Add(string name, Share share, Func<ScriptedVcpu, long, StopReason> turn)
    {
        var domain = new Domain(name, 1, this, static _ => { });
        var vcpu = new ScriptedVcpu(domain.Slots[0], turn);
        domain.Attach(_ => vcpu);
        _ = _worker.Place(domain.Slots[0], share);
        domain.Start();
        _domains.Add(domain);
        return vcpu;
    }

    /// <summary>Runs on this thread until <see cref="End"/>.</summary>
    internal void Run()
    {
        _worker.Loop();
        _domains.ForEach(static d => d.Dispose());
    }

    /// <summary>This is the last turn.</summary>
    internal void End() => _worker.Dispose();

    public long WhenTsc(ulong guestTsc) => (long)guestTsc;

    public void Ring() => IsRung = true;

    public void Clear()
    {
        IsRung = false;
        BetweenTurns?.Invoke();
    }

    public void Wait(long untilNs, bool prompt) => NowNs = Math.Max(NowNs, untilNs);

    public void Aim(IVcpu? vcpu)
    {
    }

    public void Arm(long deadlineNs)
    {
    }

    public void Dispose()
    {
    }

    internal sealed class ScriptedVcpu(VcpuSlot slot, Func<ScriptedVcpu, long, StopReason> turn) : FakeVcpu, ITimerClient
    {
        internal VcpuSlot Slot => slot;

        /// <summary>How many turns it had, the one under way included.</summary>
        internal int Turns { get; private set; }

        /// <summary>How often others asked it to end one.</summary>
        internal int Asked { get; private set; }

        public override StopReason Run(ICpuIo io, long untilNs)
        {
            Turns++;
            return turn(this, untilNs);
        }

        public override void EndTurn() => Asked++;

        public void OnTimer(long nowNs) => slot.Kick();
    }
}
