using Bulkhead.Images;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>What all parts share: where and how long they measure.</summary>
/// <param name="Cpu">The CPU everything is measured on.</param>
/// <param name="Allowed">All CPUs this process was given.</param>
/// <param name="Seconds">How long each setting is measured.</param>
/// <param name="Quick">Whether it is only to be seen that it works.</param>
/// <param name="RealTimeGuest">The image with cyclictest.</param>
/// <param name="BusyGuest">The image that burns.</param>
internal sealed record Bed(int Cpu, IReadOnlyList<int> Allowed, int Seconds, bool Quick, GuestImage RealTimeGuest, GuestImage BusyGuest)
{
    /// <summary>The name of systems that are started; one at a time.</summary>
    internal const string SystemName = "bench-realtime";

    /// <summary>Where files of a run are.</summary>
    internal const string Folder = "artifacts/bench";

    /// <summary>Latencies from here on are not told apart, in microseconds.</summary>
    internal const int HistogramUs = 100_000;

    /// <summary>cyclictest's period in microseconds.</summary>
    internal const int PeriodUs = 1000;

    /// <summary>How long a guest may take to be where it is measured, and again from there to its last words.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(240);

    /// <summary>The part that is measured.</summary>
    internal string Part { get; init; } = "";

    /// <summary>Where what guests print is kept, for whoever wants to know more than the report says.</summary>
    internal string Log => Path.Combine(Folder, $"realtime-{Part}.log");

    /// <summary>How many periods there are.</summary>
    internal long Expected => Seconds * 1_000_000L / PeriodUs;

    /// <summary>A command on the measured CPU.</summary>
    internal string[] Pinned(params IEnumerable<string> command) => ["taskset", "-c", $"{Cpu}", .. command];

    /// <summary>A command that may use all CPUs, as if it was started from the shell; this process itself may keep off the measured one.</summary>
    internal string[] Free(params IEnumerable<string> command) => ["taskset", "-c", string.Join(',', Allowed), .. command];
}
