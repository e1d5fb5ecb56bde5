using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Workers;
using Bulkhead.Scheduling.Edf;
using Bulkhead.Yaml;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads the time tables of pools of time partitions.</summary>
internal sealed class FrameReader(ConfigErrors errors)
{
    private const string FrameForm = "a frame is { major: TIME, windows: [{ domain: NAME, at: TIME, length: TIME }, ...] }";

    private readonly List<(string Pool, ConfigMap Map, TimeWindow Window)> _windows = [];

    /// <summary>Reads a pool's frame; null where it is missing or too wrong.</summary>
    internal TimeFrame? Read(string pool, ConfigMap poolMap, string path)
    {
        if (poolMap.Find("frame") is not { } node)
        {
            poolMap.Error("frame", "is missing, and policy arinc653 needs one", FrameForm);
            return null;
        }

        ConfigMap? map = ConfigMap.Open(errors, node, $"{path}.frame", SystemFields.Frame.Names);
        if (map is null)
        {
            return null;
        }

        Require(map, "major", "windows");
        long major = map.Duration("major", 0, SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs);
        List<(ConfigMap Map, TimeWindow Window)> windows = [];
        foreach ((YamlNode item, string itemPath) in map.List("windows", "a list of at least one window"))
        {
            if (ConfigMap.Open(errors, item, itemPath, SystemFields.Window.Names) is { } window)
            {
                windows.Add((window, ReadWindow(window, major)));
            }
        }

        _windows.AddRange(windows.Select(w => (pool, w.Map, w.Window)));

        // Those with a time that could not be read stand at 0 or are empty: they would only cause errors that are none.
        windows = [.. windows.Where(static w => w.Window.AtNs >= 0 && w.Window.LengthNs > 0).OrderBy(static w => w.Window.AtNs)];
        CheckOverlaps(windows);
        return major == 0 || windows.Count == 0 ? null : new TimeFrame(major, [.. windows.Select(static w => w.Window)]);
    }

    /// <summary>Whether every window is one of the pool's domains, and every domain has one.</summary>
    internal void Check(string pool, IReadOnlyList<(string Name, ConfigMap Map)> domains)
    {
        string[] names = [.. domains.Select(static d => d.Name).Where(static n => n.Length != 0)];
        HashSet<string> used = [];
        foreach ((string owner, ConfigMap map, TimeWindow window) in _windows)
        {
            if (owner != pool || window.Partition.Length == 0)
            {
                continue;
            }

            _ = used.Add(window.Partition);
            if (!names.Contains(window.Partition))
            {
                string accepted = names.Length == 0 ? $"pool {pool} has no domain" : $"one of {string.Join(", ", names)}";
                map.Error("domain", $"\"{window.Partition}\" is not a domain of pool {pool}", accepted, NearestName.Find(window.Partition, names));
            }
        }

        // Without any window the frame itself is wrong, and that was said.
        foreach ((string name, ConfigMap map) in domains.Where(d => used.Count != 0 && d.Name.Length != 0 && !used.Contains(d.Name)))
        {
            map.Error("name", $"\"{name}\" has no window in the frame of pool {pool}, so it would never run", "each domain of an arinc653 pool has at least one window");
        }
    }

    private static TimeWindow ReadWindow(ConfigMap map, long majorNs)
    {
        Require(map, "domain", "at", "length");
        string domain = map.Text("domain", "the name of a domain of this pool") ?? "";
        long at = map.Duration("at", -1, 0, EdfParameters.MaxPeriodNs - SystemFile.MinBudgetNs);
        long length = map.Duration("length", 0, SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs);
        if (majorNs != 0 && at + length > majorNs)
        {
            map.Error(
                at >= majorNs ? "at" : "length",
                $"makes the window end at {Quantity.FormatDuration(at + length)}, behind the frame",
                $"windows lie within the major frame of {Quantity.FormatDuration(majorNs)}");
        }

        return new TimeWindow(domain, at, length);
    }

    private static void CheckOverlaps(List<(ConfigMap Map, TimeWindow Window)> windows)
    {
        for (int i = 1; i < windows.Count; i++)
        {
            TimeWindow before = windows[i - 1].Window;
            if (windows[i].Window.AtNs < before.AtNs + before.LengthNs)
            {
                string times = $"{Quantity.FormatDuration(before.AtNs)} to {Quantity.FormatDuration(before.AtNs + before.LengthNs)}";
                windows[i].Map.Error("at", $"lies within the window of {before.Partition}, {times}", "windows do not overlap");
            }
        }
    }

    private static void Require(ConfigMap map, params string[] fields)
    {
        foreach (string field in fields)
        {
            map.Require(field, FrameForm);
        }
    }
}
