using Bulkhead.Host;
using Bulkhead.Yaml;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads how a domain lives: restarts, watchdog, what it depends on, what is expected of it.</summary>
internal sealed class LifeReader(ConfigErrors errors)
{
    internal const long LeastWatchdogNs = 1_000_000_000;
    internal const long LongestNs = 3_600_000_000_000;
    internal const long LeastBackoffNs = 1_000_000;
    private const string DependsForm = "a list of names of domains of this file";
    private const string EnvironmentForm = "a mapping of names (letters, digits and _, no digit first) to values without quotation marks";

    private static readonly (string Word, RestartWhen When)[] s_restarts =
        [("never", RestartWhen.Never), ("on-failure", RestartWhen.OnFailure), ("always", RestartWhen.Always)];

    /// <summary>The words that say when a domain is restarted.</summary>
    internal static readonly string[] RestartWords = [.. s_restarts.Select(static r => r.Word)];

    // What is decided by the host's time, not the guests'.
    private static readonly string[] s_hostTimed = ["restart", "watchdog", "depends_on"];

    private readonly List<(string Domain, string Needs, Mark At, string Path)> _needs = [];
    private readonly List<(Mark At, string Path)> _hostTimed = [];

    /// <summary>Reads the fields of one domain.</summary>
    internal DomainConfig Read(ConfigMap map, DomainConfig domain, string path)
    {
        _hostTimed.AddRange(s_hostTimed.Where(map.Has).Select(field => (map.Find(field)?.Start ?? map.Start, $"{path}.{field}")));
        return domain with
        {
            Restart = ReadRestart(map, path),
            WatchdogNs = map.Duration("watchdog", 0, LeastWatchdogNs, LongestNs),
            DependsOn = ReadDepends(map, domain.Name, path),
            ReadyText = map.Text("ready", "words the guest prints when it is ready"),
            Environment = ReadEnvironment(map, path),
            Expectations = ReadExpectations(map),
        };
    }

    /// <summary>Notes what a system in virtual time cannot have.</summary>
    internal void RefuseHostTime()
    {
        foreach ((Mark at, string path) in _hostTimed)
        {
            errors.Add(at, path, "goes by the host's time, and the clock is virtual", "leave it out, or set clock: real");
        }
    }

    /// <summary>Notes what no domain can see alone: names that are nobody's, and circles.</summary>
    internal void CheckDependencies(IReadOnlyList<DomainConfig> domains)
    {
        string[] names = [.. domains.Select(static d => d.Name).Where(static n => n.Length > 0)];
        foreach ((string domain, string needs, Mark at, string path) in _needs)
        {
            if (!names.Contains(needs))
            {
                errors.Add(at, path, $"\"{needs}\" is not a domain of this file", $"one of {string.Join(", ", names)}", NearestName.Find(needs, names));
            }
            else if (Reaches(needs, domain, []))
            {
                errors.Add(at, path, needs == domain ? $"{domain} would wait for itself" : $"{domain} and {needs} would wait for each other", "dependencies without a circle");
            }
        }
    }

    private bool Reaches(string from, string to, HashSet<string> seen) =>
        from == to || (seen.Add(from) && _needs.Exists(n => n.Domain == from && Reaches(n.Needs, to, seen)));

    private RestartConfig ReadRestart(ConfigMap map, string path)
    {
        string[] words = RestartWords;
        if (map.Find("restart") is not YamlMappingNode node)
        {
            return new RestartConfig(WhenOf(map.Choice("restart", words)));
        }

        ConfigMap? restart = ConfigMap.Open(errors, node, $"{path}.restart", SystemFields.Restart.Names);
        if (restart is null)
        {
            return new RestartConfig(RestartWhen.Never);
        }

        restart.Require("when", $"one of {string.Join(", ", words)}");

        long backoff = restart.Duration("backoff", RestartConfig.DefaultBackoffNs, LeastBackoffNs, LongestNs);
        return new RestartConfig(
            WhenOf(restart.Choice("when", words)),
            restart.Number("limit", 0, 0, int.MaxValue),
            backoff,
            restart.Duration("longest", Math.Max(RestartConfig.DefaultLongestNs, backoff), LeastBackoffNs, LongestNs));
    }

    private static RestartWhen WhenOf(string? word) => Array.Find(s_restarts, r => r.Word == word).When;

    private string[] ReadDepends(ConfigMap map, string domain, string path)
    {
        List<string> names = [];
        foreach ((YamlNode node, string itemPath) in map.List("depends_on", DependsForm))
        {
            if (node is YamlScalarNode { Value.Length: > 0 } scalar)
            {
                names.Add(scalar.Value);
                _needs.Add((domain, scalar.Value, node.Start, itemPath));
            }
            else
            {
                errors.Add(node.Start, itemPath, "is not a name", DependsForm);
            }
        }

        return names.Count == 0 ? [] : [.. names];
    }

    private KeyValuePair<string, string>[] ReadEnvironment(ConfigMap map, string path)
    {
        List<KeyValuePair<string, string>> variables = [];
        if (map.Find("environment") is not { } found)
        {
            return [];
        }

        if (found is not YamlMappingNode mapping)
        {
            map.Error("environment", "is not a mapping", EnvironmentForm);
            return [];
        }

        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string? name = (key as YamlScalarNode)?.Value;
            string? text = (value as YamlScalarNode)?.Value;
            if (name is null || !IsVariable(name))
            {
                errors.Add(key.Start, $"{path}.environment", $"\"{name ?? "?"}\" is not the name of a variable", EnvironmentForm);
            }
            else if (text is null || text.Any(static c => c == '"' || char.IsControl(c)))
            {
                errors.Add(value.Start, $"{path}.environment.{name}", "is not a value the kernel's command line can carry", EnvironmentForm);
            }
            else
            {
                variables.Add(new KeyValuePair<string, string>(name, text));
            }
        }

        return variables.Count == 0 ? [] : [.. variables];
    }

    private static bool IsVariable(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private Expectation[] ReadExpectations(ConfigMap map)
    {
        List<Expectation> expectations = [];
        if (map.Find("expect") is YamlScalarNode single)
        {
            Add(single, "expect");
            return [.. expectations];
        }

        foreach ((YamlNode node, string path) in map.List("expect", ExpectationParser.Forms))
        {
            Add(node, path);
        }

        return expectations.Count == 0 ? [] : [.. expectations];

        void Add(YamlNode node, string path)
        {
            string text = (node as YamlScalarNode)?.Value ?? string.Empty;
            if (node is not YamlScalarNode)
            {
                errors.Add(node.Start, path, "is not one line of text", "where it holds a colon and a space, put the whole line into single quotes");
            }
            else if (ExpectationParser.TryParse(text, out Expectation? expectation, out string? problem))
            {
                expectations.Add(expectation);
            }
            else
            {
                errors.Add(node.Start, path, $"\"{text}\": {problem}", ExpectationParser.Forms, ExpectationParser.NearestWord(text));
            }
        }
    }
}
