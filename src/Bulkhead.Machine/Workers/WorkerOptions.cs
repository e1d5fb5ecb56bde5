using Bulkhead.Host.Time;

namespace Bulkhead.Machine.Workers;

/// <summary>How a worker keeps time and sleeps.</summary>
/// <param name="NowNs">The time every deadline is in (CLOCK_MONOTONIC, or virtual).</param>
/// <param name="TurnTimer">Creates the turn timer on the worker's thread; the action ends the running vCPU's turn.</param>
/// <param name="Idle">Waits until rung or the given time; for virtual time it moves the clock.</param>
/// <param name="Sampler">Starts sampling of the worker's thread, or null.</param>
/// <param name="RealTime">Whether <paramref name="NowNs"/> is the host's time, so that the host can take some of it away.</param>
/// <param name="Speed">How many nanoseconds of CPU time a vCPU uses in one of <paramref name="NowNs"/>: as many as there are CPUs, where
/// they take turns.</param>
/// <param name="Called">Somebody wants the worker while it runs nobody; from any thread.</param>
internal sealed record WorkerOptions(
    Func<long> NowNs, Func<Action, ITurnTimer> TurnTimer, IIdle Idle, Func<TurnTimer>? Sampler = null, bool RealTime = false, int Speed = 1, Action? Called = null);
