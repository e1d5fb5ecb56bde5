using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling.Edf;
using Bulkhead.Scheduling.FixedPriority;
using Bulkhead.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads what a pool's policy needs of the pool and of its domains, and notes what does not go with it.</summary>
internal sealed class ScheduleReader(ConfigErrors errors, string file)
{
    /// <summary>The fields of a domain that belong to some policies only, and these.</summary>
    private static readonly (string Field, SchedulingPolicy[] Policies)[] s_fields =
    [
        ("weight", [SchedulingPolicy.Bvt]),
        ("warp", [SchedulingPolicy.Bvt]),
        ("reservation", [SchedulingPolicy.Edf, SchedulingPolicy.FixedPriority]),
        ("priority", [SchedulingPolicy.FixedPriority]),
        ("classes", [SchedulingPolicy.Bvt, SchedulingPolicy.FixedPriority]),
    ];

    private readonly Dictionary<string, SchedulingPolicy> _pools = [];
    private readonly List<(string Name, string Pool, ConfigMap Map)> _domains = [];
    private readonly FrameReader _frames = new(errors);
    private readonly ClassReader _classes = new(errors);

    /// <summary>Adds policy and frame to a pool.</summary>
    internal PoolConfig Complete(PoolConfig pool, ConfigMap map, string path)
    {
        string? word = map.Choice("policy", PolicyWords.All);
        if (word is null && map.Has("policy"))
        {
            return pool;
        }

        SchedulingPolicy policy = word is null ? SchedulingPolicy.Bvt : (SchedulingPolicy)Array.IndexOf(PolicyWords.All, word);
        _pools[pool.Name] = policy;
        if (policy == SchedulingPolicy.Null && map.Has("allowance"))
        {
            map.Error("allowance", "has no meaning under policy null", "a vCPU that has its CPU to itself shares it with nobody");
        }

        TimeFrame? frame = null;
        if (policy == SchedulingPolicy.Arinc653)
        {
            frame = _frames.Read(pool.Name, map, path);
        }
        else if (map.Has("frame"))
        {
            map.Error("frame", $"has no meaning under policy {policy.Word()}", "frame goes with policy arinc653");
        }

        return pool with { Policy = policy, Frame = frame, Place = PlaceOf(map.Find("policy")?.Start ?? map.Start) };
    }

    /// <summary>Adds reservation, priority and classes to a domain.</summary>
    internal DomainConfig Complete(DomainConfig domain, ConfigMap map, string path)
    {
        _domains.Add((domain.Name, domain.Pool, map));
        if (_pools.TryGetValue(domain.Pool, out SchedulingPolicy policy))
        {
            CheckFields(map, domain.Pool, policy);
        }

        ReservationConfig? reservation =
            map.Find("reservation") is { } node ? ReadReservation(node, $"{path}.reservation", policy) : null;
        domain = domain with { Reservation = reservation, Priority = map.Number("priority", 0, 0, FixedPriorityQueue.MaxPriority) };
        return map.Has("classes") && policy is (SchedulingPolicy.Bvt or SchedulingPolicy.FixedPriority) ? domain with { Classes = _classes.Read(map, domain, policy) } : domain;
    }

    /// <summary>When all domains are read: whether frames and domains know each other.</summary>
    internal void CheckDoorbells(IReadOnlyList<ChannelRequest> channels) => _classes.CheckDoorbells(channels);

    internal void CheckFrames()
    {
        foreach ((string pool, SchedulingPolicy policy) in _pools)
        {
            if (policy == SchedulingPolicy.Arinc653)
            {
                _frames.Check(pool, [.. _domains.Where(d => d.Pool == pool).Select(static d => (d.Name, d.Map))]);
            }
        }
    }

    private static void CheckFields(ConfigMap map, string pool, SchedulingPolicy policy)
    {
        foreach ((string field, SchedulingPolicy[] policies) in s_fields)
        {
            if (map.Has(field) && !policies.Contains(policy))
            {
                map.Error(
                    field,
                    $"has no meaning under policy {policy.Word()} of pool {pool}",
                    $"{field} goes with policy {string.Join(" or ", policies.Select(PolicyWords.Word))}");
            }
        }
    }

    private ReservationConfig? ReadReservation(YamlNode node, string path, SchedulingPolicy policy)
    {
        ConfigMap? map = ConfigMap.Open(errors, node, path, SystemFields.Reservation.Names);
        if (map is null)
        {
            return null;
        }

        foreach (string field in (string[])["period", "budget"])
        {
            map.Require(field, "a reservation is so much budget in every period, such as { period: 10ms, budget: 2ms }");
        }

        if (policy == SchedulingPolicy.FixedPriority && map.Has("extra"))
        {
            map.Error("extra", "has no meaning under policy fixed-priority", "there a reservation is what the guest promises: period and budget");
        }

        long period = map.Duration("period", 0, SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs);
        long budget = map.Duration("budget", 0, SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs);
        if (period != 0 && budget > period)
        {
            map.Error("budget", $"{Quantity.FormatDuration(budget)} is more than the period", $"at most the period, {Quantity.FormatDuration(period)}");
        }

        bool extra = map.Switch("extra", true);
        return new ReservationConfig(new CpuReservation(period, budget, extra), PlaceOf(node.Start));
    }

    private string PlaceOf(Mark at) => $"{file}:{at.Line}:{at.Column}";
}
