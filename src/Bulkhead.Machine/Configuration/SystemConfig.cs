using Bulkhead.Machine.Devices;

namespace Bulkhead.Machine.Configuration;

/// <summary>A whole system: validated once by <see cref="SystemFile.Load"/>, then trusted.</summary>
/// <param name="Path">The file it came from, as given.</param>
/// <param name="Pools">At least one.</param>
/// <param name="Domains">At least one, each in one of the pools.</param>
public sealed record SystemConfig(
    string Path, IReadOnlyList<PoolConfig> Pools, IReadOnlyList<DomainConfig> Domains)
{
    /// <summary>The channels its domains share.</summary>
    public IReadOnlyList<ChannelRequest> Channels { get; init; } = [];

    /// <summary>The networks between its domains.</summary>
    public IReadOnlyList<NetworkRequest> Networks { get; init; } = [];

    /// <summary>What its time is made of.</summary>
    public SystemClock Clock { get; init; }

    /// <summary>What chance is drawn from, where the clock is virtual.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Whether its time is virtual.</summary>
    public bool IsVirtual => Clock == SystemClock.Virtual;

    /// <summary>The CPUs it may have on this host; in virtual time those its pools name, whatever the host has, and <c>last</c> is one more.</summary>
    /// <param name="hostCpus">The CPUs this process may use.</param>
    public IReadOnlyList<int> AllowedCpus(IReadOnlyList<int> hostCpus) =>
        IsVirtual ? [.. Enumerable.Range(0, Pools.SelectMany(static p => p.Cpus).Max(static c => c.Last) + 2)] : hostCpus;
}
