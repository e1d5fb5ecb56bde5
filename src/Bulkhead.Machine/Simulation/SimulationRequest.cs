using Bulkhead.Machine.Configuration;

namespace Bulkhead.Machine.Simulation;

/// <summary>A system whose schedule is to be played through.</summary>
public sealed record SimulationRequest
{
    /// <summary>The longest duration: a day.</summary>
    public const long MaxDurationNs = 86_400_000_000_000;

    /// <summary>The longest overrun: a second.</summary>
    public const long MaxOverrunNs = 1_000_000_000;

    /// <summary>The system.</summary>
    public required SystemConfig System { get; init; }

    /// <summary>What the domains do, by name; for those that are missing <see cref="SimulatedLoad.Assume"/> says it.</summary>
    public IReadOnlyDictionary<string, SimulatedLoad> Loads { get; init; } = new Dictionary<string, SimulatedLoad>();

    /// <summary>How long, in virtual time; at most <see cref="MaxDurationNs"/>.</summary>
    public long DurationNs { get; init; } = 1_000_000_000;

    /// <summary>How long a turn goes on after its end was asked for; at most <see cref="MaxOverrunNs"/>.</summary>
    public long OverrunNs { get; init; }

    /// <summary>What random loads are made from: the same seed, the same run.</summary>
    public ulong Seed { get; init; }

    /// <summary>How many turns and wake-ups are kept for a chart, all CPUs together.</summary>
    public int KeptMarks { get; init; } = 4000;

    /// <summary>What a domain does.</summary>
    public SimulatedLoad LoadOf(DomainConfig domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return Loads.GetValueOrDefault(domain.Name) ?? SimulatedLoad.Assume(domain);
    }
}
