using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Cli.Changes;

/// <summary>What a system file may change of a system that runs: how its CPUs are shared, and how its domains are watched and restarted.</summary>
/// <remarks>All that was read is compared but what is named here, so that a new field is refused until somebody makes it changeable.</remarks>
internal static class SystemChange
{
    // As the tree has them: "[]" stands for whichever of the list.
    private static readonly HashSet<string> s_changeable =
    [
        "path",
        "pools[].policy", "pools[].allowance_ns", "pools[].frame", "pools[].place",
        "domains[].weight", "domains[].warp", "domains[].reservation", "domains[].priority", "domains[].classes", "domains[].latency",
        "domains[].restart", "domains[].watchdog_ns", "domains[].depends_on", "domains[].expectations",
    ];

    // The file's word where it is another than the record's, behind the unit.
    private static readonly Dictionary<string, string> s_fields = new()
    {
        ["nets"] = "networks", ["entropy"] = "rng", ["real_time"] = "realtime",
    };

    private static readonly string[] s_units = ["_bytes", "_ns", "_path", "_text"];

    /// <summary>Refuses a file that changes anything else.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> with a line per difference.</remarks>
    internal static void Check(SystemConfig now, SystemConfig next)
    {
        IReadOnlyList<string> wrong = Differences(now, next);
        if (wrong.Count > 0)
        {
            throw new OperatorException(
                $"{next.Path}: changes what a running system cannot, not even by a restart of the domain; end the system with 'bulkhead down' and start it again, or put back\n  {string.Join("\n  ", wrong)}", 2);
        }
    }

    /// <summary>Whether a pool's CPUs are shared by other rules than before.</summary>
    internal static bool Differs(PoolConfig now, PoolConfig next) =>
        now.Policy != next.Policy || now.AllowanceNs != next.AllowanceNs || now.Frame?.MajorNs != next.Frame?.MajorNs
            || !(now.Frame?.Windows ?? []).SequenceEqual(next.Frame?.Windows ?? []);

    /// <summary>What one file says and the other does not, of what cannot change: a line each.</summary>
    internal static IReadOnlyList<string> Differences(SystemConfig now, SystemConfig next)
    {
        var found = new List<string>();
        Compare(JsonSerializer.SerializeToNode(now, ConfigJson.Default.SystemConfig), JsonSerializer.SerializeToNode(next, ConfigJson.Default.SystemConfig), string.Empty, string.Empty, found);
        return found;
    }

    private static void Compare(JsonNode? before, JsonNode? after, string kind, string place, List<string> found)
    {
        if (s_changeable.Contains(kind))
        {
            return;
        }

        if (before is JsonObject a && after is JsonObject b)
        {
            foreach ((string name, JsonNode? value) in a)
            {
                Compare(value, b[name], kind.Length == 0 ? name : $"{kind}.{name}", place.Length == 0 ? FieldOf(name) : $"{place}{(place.EndsWith(' ') ? string.Empty : ".")}{FieldOf(name)}", found);
            }
        }
        else if (before is JsonArray { Count: > 0 } list && after is JsonArray other && list.Count == other.Count && list[0] is JsonObject && SameNames(list, other))
        {
            for (int i = 0; i < list.Count; i++)
            {
                Compare(list[i], other[i], $"{kind}[]", PlaceOf(kind, place, i, list[i]), found);
            }
        }
        else if (!JsonNode.DeepEquals(before, after))
        {
            found.Add($"{place.TrimEnd()} {Text(before)}, now {Text(after)}");
        }
    }

    // What has a name goes by that; others by their place.
    private static bool SameNames(JsonArray before, JsonArray after) => before.Zip(after).All(static pair => NameOf(pair.First) == NameOf(pair.Second));

    private static string? NameOf(JsonNode? node) => node is JsonObject record && record["name"] is JsonValue name ? name.ToString() : null;

    private static string PlaceOf(string kind, string place, int number, JsonNode? node) =>
        !kind.Contains('.', StringComparison.Ordinal) && NameOf(node) is { } name ? $"{place[..^1]} {name}: " : $"{place}[{number}]";

    private static string FieldOf(string name)
    {
        string unit = Array.Find(s_units, u => name.EndsWith(u, StringComparison.Ordinal)) ?? string.Empty;
        string field = name[..^unit.Length];
        return s_fields.GetValueOrDefault(field, field);
    }

    private static string Text(JsonNode? node) => node switch
    {
        null => "none",
        JsonArray { Count: 0 } => "none",
        JsonArray list when list.All(static item => NameOf(item) is not null) => string.Join(", ", list.Select(NameOf)),
        JsonArray list => string.Join(", ", list.Select(Text)),
        JsonObject record => string.Join(' ', record.Where(static p => p.Value is not null).Select(static p => $"{FieldOf(p.Key)}={Text(p.Value)}")),
        JsonValue value when value.GetValueKind() == JsonValueKind.String && value.ToString().Length == 0 => "none",
        _ => node.ToString(),
    };
}
