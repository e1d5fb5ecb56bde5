using Bulkhead.Core;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Classes;
using Bulkhead.Scheduling.FixedPriority;
using Bulkhead.Yaml;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads the classes of a domain, and notes those that cannot be meant.</summary>
internal sealed class ClassReader(ConfigErrors errors)
{
    internal const int MostClasses = 16;
    internal const int MostHint = 255;
    internal const int MostTaskPriority = 15;
    internal const int MostDoorbell = ChannelRequest.MostVectors - 1;
    internal const long LeastNs = 1_000;

    private readonly List<(ConfigMap Map, string Domain, int Doorbell)> _doorbells = [];

    /// <summary>Reads them; <paramref name="domain"/> has its own warp and priority.</summary>
    internal IReadOnlyList<ShareClass> Read(ConfigMap domainMap, DomainConfig domain, SchedulingPolicy policy)
    {
        var classes = new List<ShareClass>();
        foreach ((YamlNode node, string path) in domainMap.List("classes", "a list of classes, the most urgent first"))
        {
            if (ConfigMap.Open(errors, node, path, SystemFields.Class.Names) is { } map)
            {
                ShareClass one = Read(map);
                CheckPolicy(map, one, domain, policy);
                CheckPlace(map, one, classes, policy);
                classes.Add(one);
                if (one.Doorbell is { } doorbell)
                {
                    _doorbells.Add((map, domain.Name, doorbell));
                }

                if (classes.Count > MostClasses)
                {
                    map.Error("name", $"is class {classes.Count}", $"at most {MostClasses} classes");
                }
            }
        }

        return classes;
    }

    /// <summary>Notes the classes whose doorbell no channel has, once the channels are known.</summary>
    internal void CheckDoorbells(IReadOnlyList<ChannelRequest> channels)
    {
        foreach ((ConfigMap map, string domain, int doorbell) in _doorbells)
        {
            int most = channels.Where(c => c.Members.Any(m => m.Domain == domain)).Select(static c => c.Vectors).DefaultIfEmpty(0).Max();
            if (doorbell >= most)
            {
                string accepted = most == 0 ? $"a channel with doorbells that {domain} is a member of" : $"a number below {most}, which is what {domain} has in its channels; more by a channel's doorbells";
                map.Error("doorbell", $"{doorbell} is no doorbell of {domain}", accepted);
            }
        }
    }

    private static ShareClass Read(ConfigMap map)
    {
        const string NameForm = "a name: lower-case letters, digits and hyphens, a letter first, at most 32";
        map.Require("name", NameForm);

        if (!map.Has("hint") && !map.Has("tpr") && !map.Has("wake") && !map.Has("doorbell"))
        {
            map.Error("hint", "is missing, and so are tpr, wake and doorbell", "what puts a vCPU into the class: hint, tpr, wake, doorbell, or several of them");
        }

        if (map.Has("limit") != map.Has("rest"))
        {
            string missing = map.Has("limit") ? "rest" : "limit";
            map.Error(missing, "is missing", "limit and rest go together: so long in the class, and then so long out of it");
        }

        return new ShareClass(map.Name("name", NameForm) ?? "")
        {
            Hint = (byte)map.Number("hint", 0, 1, MostHint),
            TaskPriority = (byte)map.Number("tpr", 0, 1, MostTaskPriority),
            WakeNs = map.Duration("wake", 0, LeastNs, BvtParameters.MaxTimeNs),
            Doorbell = map.Has("doorbell") ? map.Number("doorbell", 0, 0, MostDoorbell) : null,
            WarpNs = map.Duration("warp", 0, 0, BvtParameters.MaxTimeNs),
            Priority = map.Number("priority", 0, 0, FixedPriorityQueue.MaxPriority),
            LimitNs = map.Duration("limit", 0, LeastNs, BvtParameters.MaxTimeNs),
            RestNs = map.Duration("rest", 0, LeastNs, BvtParameters.MaxTimeNs),
        };
    }

    private static void CheckPolicy(ConfigMap map, ShareClass one, DomainConfig domain, SchedulingPolicy policy)
    {
        (string wanted, string other, SchedulingPolicy itsPolicy) = policy == SchedulingPolicy.FixedPriority
            ? ("priority", "warp", SchedulingPolicy.Bvt)
            : ("warp", "priority", SchedulingPolicy.FixedPriority);
        if (map.Has(other))
        {
            map.Error(other, $"has no meaning under policy {policy.Word()} of pool {domain.Pool}", $"{other} goes with policy {itsPolicy.Word()}");
        }

        map.Require(wanted, $"the {wanted} that a vCPU has in the class in place of its own");

        if (ClassOrder.IsUnbounded(one, domain, policy) && !map.Has("limit"))
        {
            map.Error("limit", "is missing", $"a class with more than the domain's own priority, {domain.Priority}, has a limit and a rest: without them whoever claims it has the CPU for ever");
        }
    }

    private static void CheckPlace(ConfigMap map, ShareClass one, List<ShareClass> before, SchedulingPolicy policy)
    {
        if (one.Name == ClassNames.Base || before.Exists(b => b.Name == one.Name))
        {
            map.Error("name", $"\"{one.Name}\" is {(one.Name == ClassNames.Base ? "what being in no class is called" : "the name of an earlier class")}", "each class has a name of its own");
        }

        if (before.Count == 0)
        {
            return;
        }

        if (ClassOrder.IsAgainst(before[^1], one, policy))
        {
            map.Error(
                policy == SchedulingPolicy.FixedPriority ? "priority" : "warp",
                $"is more than that of class {before[^1].Name} before it",
                "the most urgent class comes first: of those that are selected, the first counts");
        }

        // One that may be out of budget leaves what selects it to those behind it.
        ShareClass[] ahead = [.. before.Where(static b => b.LimitNs == 0)];
        bool reached = (one.Hint != 0 && !ahead.Any(b => b.Hint == one.Hint))
            || (one.TaskPriority != 0 && !ahead.Any(b => b.TaskPriority != 0 && b.TaskPriority <= one.TaskPriority))
            || (one.WakeNs != 0 && !ahead.Any(b => b.WakeNs >= one.WakeNs))
            || (one.Doorbell is not null && !ahead.Any(b => b.Doorbell == one.Doorbell));
        if (!reached && (one.Hint != 0 || one.TaskPriority != 0 || one.WakeNs != 0 || one.Doorbell is not null))
        {
            map.Error("name", $"\"{one.Name}\" is never selected", $"all that selects it selects class {string.Join(" or ", ahead.Select(static b => b.Name))} before it, which has no limit");
        }
    }
}
