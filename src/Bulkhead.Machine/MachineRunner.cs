using System.Diagnostics;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;
using Bulkhead.Devices.Channels;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Net;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Host.Threads;
using Bulkhead.Host.Time;
using Bulkhead.Machine.Admission;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Time;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Machine;

/// <summary>Runs domains together.</summary>
/// <remarks><i>Threading</i>: the control thread builds, waits and disposes; <see cref="Stop"/> from any.</remarks>
public sealed class MachineRunner : IDisposable
{
    private readonly List<Domain> _domains = [];
    private readonly List<PcpuWorker> _workers = [];
    private readonly List<Pool> _pools = [];
    private readonly object _ended = new();
    private readonly List<(ChannelRequest Request, Channel Channel)> _channels = [];
    private readonly List<(NetworkRequest Request, NetworkSwitch Network)> _networks = [];
    private readonly Dictionary<string, DomainLinks> _links = [];
    private readonly Dictionary<string, VsockEndpoint> _vsocks = []; // by domain
    private readonly List<Lingering> _lingerings = []; // by pool
    private readonly DescriptorBudget _descriptors = DescriptorBudget.OfProcess();
    private readonly ControlThread _control = new();
    private readonly TraceFile? _trace;
    private readonly PoolEra _firstEra;

    private MachineRunner(MachineRequest request)
    {
        _trace = request.Trace;
        _firstEra = new PoolEra(request.Schedules);
        _firstEra.Begin(0);
    }

    /// <summary>The domains in the order asked for.</summary>
    public IReadOnlyList<Domain> Domains => _domains;

    /// <summary>The clock made of instructions, where there is one.</summary>
    internal InstructionClock? Counted { get; private set; }

    /// <summary>Its CPUs, where the clock is made of instructions.</summary>
    internal VirtualCpus? Virtual { get; private set; }

    /// <summary>Builds everything; nothing runs yet.</summary>
    public static MachineRunner Build(MachineRequest request, EngineSeam engine)
    {
        int[][] cpus = request.InstructionClock ? [] : ChooseCpus(request);
        var runner = new MachineRunner(request);
        try
        {
            foreach (ChannelRequest channel in request.Channels)
            {
                runner._channels.Add((channel, channel.Create()));
            }

            foreach (NetworkRequest network in request.Networks)
            {
                runner._networks.Add((network, network.Create(request.Domains, runner.NowNs, request.InstructionClock)));
            }

            runner.AddVsocks(request.Domains);
            if (request.InstructionClock)
            {
                runner.AddCounted(request, engine);
                return runner;
            }

            TscRate rate = TscRate.Measure(engine.HostTsc);
            runner.AddWorkers(request, engine, cpus);
            foreach (DomainRequest domain in request.Domains)
            {
                runner.AddDomain(domain, engine, DomainTime.Real(RealClock.StartingNow(engine.HostTsc, rate)));
            }

            runner._pools.ForEach(static pool => pool.Connect());
            return runner;
        }
        catch
        {
            runner.Dispose();
            throw;
        }
    }

    /// <summary>Starts the workers.</summary>
    public void Start()
    {
        if (_trace is not null)
        {
            StartTrace(_trace);
        }

        _control.Start();
        if (Virtual is not null)
        {
            Virtual.Start();
            return;
        }

        foreach (PcpuWorker worker in _workers)
        {
            worker.Start();
        }
    }

    /// <summary>Waits until every domain is off, at most <paramref name="milliseconds"/> (-1: for ever).</summary>
    public bool Wait(int milliseconds = -1)
    {
        long start = Stopwatch.GetTimestamp();
        lock (_ended)
        {
            while (!_domains.TrueForAll(static d => d.IsOff))
            {
                long left = milliseconds - (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (milliseconds >= 0 && left <= 0)
                {
                    return false;
                }

                _ = Monitor.Wait(_ended, milliseconds < 0 ? Timeout.Infinite : (int)left);
            }
        }

        return true;
    }

    /// <summary>Has a pool's CPUs shared by another policy from their next turn on; who wants to run goes on wanting.</summary>
    /// <param name="pool">The pool's index.</param>
    /// <param name="request">The policy and what belongs to it; CPUs and priority stay as they are.</param>
    /// <param name="shareOf">What each vCPU of a domain is entitled to.</param>
    /// <param name="schedules">What the schedule guarantees from then on.</param>
    public void Change(int pool, PoolRequest request, Func<Domain, Share> shareOf, IReadOnlyList<VcpuSchedule> schedules)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(shareOf);
        _pools[pool].Change(() => PolicyFactory.Create(request), shareOf, new PoolEra(schedules));
    }

    /// <summary>Changes what each vCPU of a domain is entitled to.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="share">What it is entitled to.</param>
    /// <param name="schedules">What the schedule guarantees from then on.</param>
    public void Change(Domain domain, Share share, IReadOnlyList<VcpuSchedule> schedules)
    {
        ArgumentNullException.ThrowIfNull(domain);
        _pools.ForEach(pool => pool.Change(domain, share, new PoolEra(schedules)));
    }

    /// <summary>Writes the turns that ended after <paramref name="sinceNs"/> (CLOCK_MONOTONIC), as far as they are remembered.</summary>
    /// <param name="trace">The file, not used before; it then has to be finished.</param>
    /// <param name="sinceNs">Since when.</param>
    public void WriteFlight(TraceFile trace, long sinceNs)
    {
        ArgumentNullException.ThrowIfNull(trace);
        foreach (Domain domain in _domains)
        {
            trace.Name(domain.Name, domain.Slots.Length);
        }

        foreach (PcpuWorker worker in _workers)
        {
            trace.Add(worker.Recorder, sinceNs);
        }

        trace.Start();
    }

    /// <summary>Writes what every vCPU does from now on.</summary>
    /// <param name="trace">The file; not used before.</param>
    public void StartTrace(TraceFile trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        foreach (Domain domain in _domains)
        {
            trace.Name(domain.Name, domain.Slots.Length);
            foreach (VcpuSlot slot in domain.Slots)
            {
                slot.Trace = trace.Add(domain.Name, slot.Index, domain.Clock, slot.Classes?.Names ?? ClassNames.None);
            }
        }

        foreach (PcpuWorker worker in _workers)
        {
            trace.Add(worker.Recorder, long.MaxValue);
        }

        trace.Start();
    }

    /// <summary>Ends what <see cref="StartTrace"/> began; the file then has to be finished.</summary>
    public void StopTrace()
    {
        foreach (VcpuSlot slot in _domains.SelectMany(static d => d.Slots))
        {
            slot.Trace = null;
        }
    }

    /// <summary>The longest waits of a domain's vCPUs in the last minute or two.</summary>
    /// <remarks><i>Cost</i>: a short turn of each of its pCPUs.</remarks>
    public IReadOnlyList<WaitRecord> Waits(Domain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        var waits = new List<WaitRecord>();
        foreach (Placement placement in _pools.SelectMany(pool => pool.PlacementsOf(domain)))
        {
            while (!TryRead(placement, waits))
            {
                // It moved before its worker came to the question.
            }
        }

        return waits;
    }

    /// <summary>What became of the channels, in the order asked for.</summary>
    public IReadOnlyList<ChannelReport> Channels() => [.. _channels.Select(static c => ChannelReport.Of(c.Request, c.Channel))];

    /// <summary>Takes a domain's part in a channel away, or gives it back; false where it has none.</summary>
    public bool TryRevoke(string channel, Domain domain, bool revoked)
    {
        ArgumentNullException.ThrowIfNull(domain);
        ChannelMember? member = MembersOf(domain.Name).FirstOrDefault(m => m.Channel.Name == channel);
        if (member is not null)
        {
            member.IsRevoked = revoked;
        }

        return member is not null;
    }

    /// <summary>What passed on each network between domains so far. From any thread.</summary>
    public IReadOnlyList<NetworkReport> Networks() => [.. _networks.Select(static n => NetworkReport.Of(n.Request, n.Network))];

    /// <summary>Looks on at a domain's network card; the caller disposes it.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where there is no such card, or another looks on already.</remarks>
    public CardCapture Capture(Domain domain, int card)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return CardCapture.Start(CardOf(domain, card, _links[domain.Name].Captures), $"card {card} of {domain.Name}");
    }

    /// <summary>Plugs a network card's cable in, or pulls it out.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where there is no such card, or time is made of instructions.</remarks>
    public void Plug(Domain domain, int card, bool plugged)
    {
        ArgumentNullException.ThrowIfNull(domain);
        CardCable cable = CardOf(domain, card, _links[domain.Name].Cables);
        cable.IsPlugged = Counted is null ? plugged
            : throw new OperatorException("On a virtual clock no cable is pulled: it would be pulled at another time every time.", 2);
    }

    /// <summary>What a domain's sockets did, by name; empty where it has none.</summary>
    public IReadOnlyList<(string Name, long Count)> Sockets(Domain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return _vsocks.GetValueOrDefault(domain.Name)?.Counters.Table() ?? [];
    }

    /// <summary>Ends every domain that still lives with this exit code.</summary>
    public void Stop(int exitCode, string message)
    {
        foreach (Domain domain in _domains)
        {
            domain.Stop(exitCode, message);
        }
    }

    /// <summary>How each domain ended, in order; those that live are missing.</summary>
    public IReadOnlyList<DomainResult> Results()
    {
        var results = new List<DomainResult>();
        foreach (Domain domain in _domains)
        {
            if (domain.Result is { } result)
            {
                results.Add(result);
            }
        }

        return results;
    }

    /// <summary>A number that differs where two runs differ: in the registers or memory of any domain, or in who was chosen to run when.</summary>
    /// <remarks>After the end of every domain; the same again only with <see cref="MachineRequest.InstructionClock"/>. What devices hold
    /// inside is not in it. <i>Cost</i>: reads all RAM, about a second for 8 GiB.</remarks>
    public ulong StateHash()
    {
        ulong hash = Virtual?.Choices ?? 0;
        foreach (Domain domain in _domains)
        {
            hash = domain.Result is null
                ? throw new InvalidOperationException($"{domain.Name} still runs: wait for its end first.")
                : DomainHash.Of(domain, hash);
        }

        return hash;
    }

    /// <summary>What became of the windows of time partitions, by CPU; when every domain ended.</summary>
    public IReadOnlyList<WindowReport> Windows() =>
        [.. _workers.SelectMany(static w => w.Policy is Arinc653Policy partitions ? partitions.Report(w.Cpu) : [])];

    /// <inheritdoc/>
    public void Dispose()
    {
        Virtual?.Dispose();
        foreach (PcpuWorker worker in _workers)
        {
            worker.Dispose();
        }

        _control.Dispose();
        foreach (Domain domain in _domains)
        {
            domain.Dispose();
        }

        foreach ((_, Channel channel) in _channels)
        {
            channel.Dispose();
        }

        foreach (VsockEndpoint vsock in _vsocks.Values)
        {
            vsock.Dispose();
        }
    }

    private static T CardOf<T>(Domain domain, int card, IReadOnlyList<T> cards) => (uint)card < (uint)cards.Count
        ? cards[card]
        : throw new OperatorException($"{domain.Name} has no network card {card}; it has {(cards.Count == 0 ? "none" : $"{cards.Count}, numbered from 0")}.", 2);

    private static bool TryRead(Placement placement, List<WaitRecord> waits)
    {
        using var done = new ManualResetEventSlim();
        bool here = false;
        PcpuWorker owner = placement.Owner;
        owner.Post(() =>
        {
            here = owner.Holds(placement);
            waits.AddRange(here ? placement.Slot.Waits.Worst(placement.Slot.Index, placement.Slot.Era) : []);
            done.Set();
        });
        done.Wait();
        return here;
    }

    private long NowNs() => Counted?.NowNs ?? Stopwatch.GetTimestamp();

    private static int[][] ChooseCpus(MachineRequest request)
    {
        int[] allowed = HostThread.AllowedCpus();
        var owners = new Dictionary<int, string>();
        int[][] cpus = new int[request.Pools.Count][];
        for (int i = 0; i < cpus.Length; i++)
        {
            PoolRequest pool = request.Pools[i];
            int vcpus = request.Domains.Where(d => d.Pool == i).Sum(static d => d.Vcpus);
            cpus[i] = pool.Cpus.Count > 0 ? [.. pool.Cpus] : allowed[^Math.Clamp(vcpus, 1, allowed.Length)..];
            foreach (int cpu in cpus[i])
            {
                if (!allowed.Contains(cpu))
                {
                    throw new OperatorException($"pool {pool.Name}: host CPU {cpu} is not allowed to this process; allowed are {string.Join(", ", allowed)}.", 2);
                }

                if (!owners.TryAdd(cpu, pool.Name))
                {
                    throw new OperatorException(
                        $"pool {pool.Name}: host CPU {cpu} belongs to pool {owners[cpu]} already; give each pool CPUs of its own (allowed are {string.Join(", ", allowed)}).", 2);
                }
            }
        }

        return cpus;
    }

    private void AddWorkers(MachineRequest request, EngineSeam engine, int[][] cpus)
    {
        bool signal = engine.TurnSignalHandler != 0;
        if (signal)
        {
            TurnTimer.Install(TurnTimer.DefaultSignal, engine.TurnSignalHandler);
        }

        bool samples = engine.SampleSignalHandler != 0;
        if (samples)
        {
            TurnTimer.Install(TurnTimer.SampleSignal, engine.SampleSignalHandler);
        }

        for (int i = 0; i < cpus.Length; i++)
        {
            int first = _workers.Count;
            foreach (int cpu in cpus[i])
            {
                var options = new WorkerOptions(
                    Stopwatch.GetTimestamp,
                    signal ? static _ => new SignalTurnTimer() : static end => new ThreadTurnTimer(end),
                    new SpinThenSleep(request.Pools[i].SpinNs),
                    samples ? TurnTimer.Sampling : null,
                    RealTime: true);
                _workers.Add(new PcpuWorker(cpu, PolicyFactory.Create(request.Pools[i]), options, request.Pools[i].RealTimePriority));
            }

            _pools.Add(new Pool(_workers[first..]));
            _lingerings.Add(new Lingering(request.Pools[i].SpinNs, [.. cpus.SelectMany(static c => c)]));
        }
    }

    /// <summary>All on one thread, on a clock made of what they execute.</summary>
    private void AddCounted(MachineRequest request, EngineSeam engine)
    {
        int[][] numbers = [.. request.Pools.Select(static pool => pool.Cpus.Count > 0 ? (int[])[.. pool.Cpus] : [0])];
        int cpus = numbers.Sum(static pool => pool.Length);
        Counted = new InstructionClock(cpus) { EndNs = request.EndAtNs, EndInstructions = request.EndAfterInstructions };
        Virtual = new VirtualCpus(Counted, cpus, () => Stop(ExitCodes.PowerOff, "stopped at the virtual time asked for"));
        for (int i = 0; i < numbers.Length; i++)
        {
            PcpuWorker[] workers = [.. numbers[i].Select(cpu => Virtual.Add(cpu, PolicyFactory.Create(request.Pools[i])))];
            _workers.AddRange(workers);
            _pools.Add(new Pool(workers));
        }

        for (int i = 0; i < request.Domains.Count; i++)
        {
            AddDomain(request.Domains[i], engine, DomainTime.Counted(Counted, request.Seed is { } seed ? new SeededRandom(seed, i) : null));
        }
    }

    private IEnumerable<ChannelMember> MembersOf(string domain) =>
        _channels.SelectMany(c => c.Channel.Members.Where(m => c.Request.Members[m.Number].Domain == domain));

    /// <summary>A domain's first card of a network is the one that is connected to it.</summary>
    private DomainLinks LinksOf(DomainRequest domain) => new(
        [.. MembersOf(domain.Name)],
        [.. domain.Nets.Select(net => _networks.Find(n => n.Request.Name == net.Network).Network?.Ports.FirstOrDefault(p => p.Member.Name == domain.Name))],
        [.. domain.Nets.Select(static _ => new FrameCapture())],
        [.. domain.Nets.Select(static _ => new CardCable())],
        _vsocks.GetValueOrDefault(domain.Name),
        _descriptors);

    /// <summary>Makes the domains' endpoints, and lets each connect to those it names.</summary>
    private void AddVsocks(IReadOnlyList<DomainRequest> domains)
    {
        foreach (DomainRequest domain in domains)
        {
            if (domain.Vsock is { } vsock)
            {
                _vsocks.Add(domain.Name, vsock.Create(_descriptors));
            }
        }

        foreach (DomainRequest domain in domains)
        {
            foreach (string peer in domain.Vsock?.Peers ?? [])
            {
                _vsocks[domain.Name].Allow(_vsocks[peer]);
            }
        }
    }

    private void AddDomain(DomainRequest request, EngineSeam engine, DomainTime time)
    {
        // In virtual time no other thread may take part: whatever it did would come at another time every time.
        DomainLinks links = _links[request.Name] = LinksOf(request);
        Domain domain = DomainBuilder.Build(
            request, engine, time, links,
            Counted is null ? _control.Post : null,
            _lingerings.ElementAtOrDefault(request.Pool));
        _domains.Add(domain);
        domain.Ended += _ =>
        {
            lock (_ended)
            {
                Monitor.PulseAll(_ended);
            }
        };
        _pools[request.Pool].Place(domain, request.Share, request.Cpus);
        Array.ForEach(domain.Slots, slot => slot.Era = _firstEra);
        if (!request.StartsOff)
        {
            domain.Start();
        }
    }
}
