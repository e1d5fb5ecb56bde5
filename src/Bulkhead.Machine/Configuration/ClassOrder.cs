using Bulkhead.Machine.Workers;

namespace Bulkhead.Machine.Configuration;

/// <summary>What must hold of a domain's classes, whoever gives them: the file, or the operator while the domain runs.</summary>
public static class ClassOrder
{
    /// <summary>Whether a class is more urgent than the one before it in the list.</summary>
    public static bool IsAgainst(ShareClass before, ShareClass one, SchedulingPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(one);
        return policy == SchedulingPolicy.FixedPriority ? one.Priority > before.Priority : one.WarpNs > before.WarpNs;
    }

    /// <summary>Whether whoever claims a class could have the CPU for ever.</summary>
    public static bool IsUnbounded(ShareClass one, DomainConfig domain, SchedulingPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(domain);
        return policy == SchedulingPolicy.FixedPriority && one.Priority > domain.Priority && one.LimitNs == 0;
    }

    /// <summary>What is wrong with a domain's classes, in words; null where nothing is.</summary>
    public static string? Fault(DomainConfig domain, SchedulingPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(domain);
        for (int i = 0; i < domain.Classes.Count; i++)
        {
            ShareClass one = domain.Classes[i];
            if (i > 0 && IsAgainst(domain.Classes[i - 1], one, policy))
            {
                return $"class {one.Name} would be more urgent than {domain.Classes[i - 1].Name} before it; the most urgent comes first";
            }

            if (IsUnbounded(one, domain, policy))
            {
                return $"class {one.Name} would have more than the domain's priority, {domain.Priority}, and no limit";
            }

            if (one.LimitNs == 0 != (one.RestNs == 0))
            {
                return $"class {one.Name} would have a {(one.LimitNs == 0 ? "rest and no limit" : "limit and no rest")}; they go together";
            }
        }

        return null;
    }
}
