using System.Diagnostics;
using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Tests.Balance;

/// <summary>Real workers, with vCPUs that are code of the test.</summary>
internal sealed class RestlessPool : IClock, IDisposable
{
    // Only a test that fails waits this long.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    /// <summary>A share with classes that a guest can have by what it says, one of them with a limit.</summary>
    internal static readonly Share Urgent = new()
    {
        Classes = [new ShareClass("now") { Hint = 1, WarpNs = 2_000_000, LimitNs = 500_000, RestNs = 2_000_000 }, new ShareClass("soon") { Hint = 2, WarpNs = 1_000_000 }],
    };

    private readonly List<PcpuWorker> _workers = [];
    private readonly List<Domain> _domains = [];
    private readonly List<RestlessVcpu> _vcpus = [];

    /// <summary>Creates so many workers, not pinned.</summary>
    internal RestlessPool(int cpus)
    {
        for (int i = 0; i < cpus; i++)
        {
            _workers.Add(new PcpuWorker(
                -1, new BvtPolicy(200_000), new WorkerOptions(Stopwatch.GetTimestamp, static end => new ThreadTurnTimer(end), new SpinThenSleep(5_000))));
        }

        Pool = new Pool(_workers);
    }

    internal Pool Pool { get; }

    /// <summary>Whether its vCPUs say nothing of their own.</summary>
    internal bool IsSilent { get; init; }

    internal IReadOnlyList<PcpuWorker> Workers => _workers;

    internal IReadOnlyList<Domain> Domains => _domains;

    internal IReadOnlyList<RestlessVcpu> Vcpus => _vcpus;

    internal IEnumerable<Placement> Placements => _domains.SelectMany(Pool.PlacementsOf);

    internal long Moves => _domains.Sum(static d => d.Vcpus.Sum(static v => v.Moves));

    public long NowNs => Stopwatch.GetTimestamp();

    public ulong GuestTsc => (ulong)NowNs;

    public ulong TscHz => 1_000_000_000;

    public long WhenTsc(ulong guestTsc) => (long)guestTsc;

    internal void Add(int vcpus, bool busy = false, Share? share = null, int[]? cpus = null)
    {
        var domain = new Domain($"d{_domains.Count}", vcpus, this, static _ => { });
        domain.Attach(slot =>
        {
            var vcpu = new RestlessVcpu(slot, busy, _vcpus.Count) { IsSilent = IsSilent };
            _vcpus.Add(vcpu);
            return vcpu;
        });
        Pool.Place(domain, share ?? new Share(), cpus ?? []);
        _domains.Add(domain);
        domain.Start();
    }

    internal void Start()
    {
        Pool.Connect();
        _workers.ForEach(static w => w.Start());
    }

    /// <summary>Waits for something that happens, unless something was lost; false then.</summary>
    internal static bool Await(Func<bool> happened)
    {
        long start = Stopwatch.GetTimestamp();
        while (!happened())
        {
            if (Stopwatch.GetElapsedTime(start) > s_longest)
            {
                return false;
            }

            Thread.Yield();
        }

        return true;
    }

    /// <summary>Asks a worker something, on its thread.</summary>
    internal static T Ask<T>(PcpuWorker worker, Func<T> question)
    {
        var answer = new TaskCompletionSource<T>();
        worker.Post(() => answer.SetResult(question()));
        return Await(() => answer.Task.IsCompleted) ? answer.Task.Result : throw new TimeoutException("A worker does not answer.");
    }

    public void Dispose()
    {
        _workers.ForEach(static w => w.Dispose());
        _domains.ForEach(static d => d.Dispose());
    }
}
