using System.Diagnostics;
using Bulkhead.Host;
using Bulkhead.Host.Threads;
using Bulkhead.Host.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Time;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine;

/// <summary>Runs domains together until each has ended.</summary>
/// <remarks><i>Threading</i>: the control thread builds, waits and disposes; <see cref="Stop"/> from any.</remarks>
public sealed class MachineRunner : IDisposable
{
    private readonly List<Domain> _domains = [];
    private readonly List<PcpuWorker> _workers = [];
    private readonly List<Pool> _pools = [];
    private readonly CountdownEvent _alive;
    private readonly TraceFile? _trace;

    private MachineRunner(int domains, TraceFile? trace)
    {
        _alive = new CountdownEvent(domains);
        _trace = trace;
    }

    /// <summary>The domains in the order asked for.</summary>
    public IReadOnlyList<Domain> Domains => _domains;

    /// <summary>The clock made of instructions, where there is one.</summary>
    internal InstructionClock? Counted { get; private set; }

    /// <summary>Builds everything; nothing runs yet.</summary>
    public static MachineRunner Build(MachineRequest request, EngineSeam engine)
    {
        int[][] cpus = ChooseCpus(request);
        var runner = new MachineRunner(request.Domains.Count, request.Trace);
        try
        {
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
        _trace?.Start();
        foreach (PcpuWorker worker in _workers)
        {
            worker.Start();
        }
    }

    /// <summary>Waits until every domain ended, at most <paramref name="milliseconds"/> (-1: for ever).</summary>
    public bool Wait(int milliseconds = -1) => _alive.Wait(milliseconds);

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

    /// <summary>What became of the windows of time partitions, by CPU; when every domain ended.</summary>
    public IReadOnlyList<WindowReport> Windows() =>
        [.. _workers.SelectMany(static w => w.Policy is Arinc653Policy partitions ? partitions.Report(w.Cpu) : [])];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PcpuWorker worker in _workers)
        {
            worker.Dispose();
        }

        foreach (Domain domain in _domains)
        {
            domain.Dispose();
        }

        _alive.Dispose();
    }

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
                    new SpinThenSleep(request.SpinNs),
                    samples ? TurnTimer.Sampling : null);
                _workers.Add(new PcpuWorker(cpu, PolicyFactory.Create(request.Pools[i]), options, request.RealTimePriority));
            }

            _pools.Add(new Pool(_workers[first..]));
        }
    }

    /// <summary>One vCPU on a clock made of its instructions.</summary>
    private void AddCounted(MachineRequest request, EngineSeam engine)
    {
        if (request.Domains.Count != 1 || request.Domains[0].Vcpus != 1)
        {
            throw new OperatorException("A clock made of instructions needs a machine of one vCPU: give one domain with one CPU.", 2);
        }

        Counted = new InstructionClock();
        var options = new WorkerOptions(() => Counted.NowNs, _ => new CountedTurnTimer(Counted), new SkippedIdle(Counted));
        _workers.Add(new PcpuWorker(-1, PolicyFactory.Create(request.Pools[0]), options));
        _pools.Add(new Pool(_workers));
        AddDomain(request.Domains[0], engine, DomainTime.Counted(Counted));
    }

    private void AddDomain(DomainRequest request, EngineSeam engine, DomainTime time)
    {
        Domain domain = DomainBuilder.Build(
            request, engine, time, _trace,
            static action => ThreadPool.UnsafeQueueUserWorkItem(static a => a(), action, preferLocal: false));
        _domains.Add(domain);
        domain.Ended += _ => _alive.Signal();
        _pools[request.Pool].Place(domain, request.Share);
    }
}
