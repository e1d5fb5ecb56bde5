using Bulkhead.Host;

namespace Bulkhead.Cli.Control;

/// <summary>The systems of this user that run now.</summary>
internal static class RunningSystems
{
    private const string NoneRuns = "no system is running; 'bulkhead up FILE' starts one.";

    /// <summary>What each says of itself; those that do not answer are left out.</summary>
    /// <param name="only">The one system that is meant, or null for all.</param>
    internal static IReadOnlyList<ControlReply> Ask(string? only)
    {
        var replies = new List<ControlReply>();
        foreach (string name in only is null ? SystemDirectory.Names() : [only])
        {
            using ControlClient? client = ControlClient.TryConnect(name);
            if (client is not null)
            {
                replies.Add(client.Ask(new ControlRequest { Verb = "ps" }));
            }
        }

        if (only is not null && replies.Count == 0)
        {
            throw new OperatorException($"no system {only} is running{Near(only, SystemDirectory.Names())}.");
        }

        return replies;
    }

    /// <summary>Connects to the system a domain belongs to.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where there is none, or more than one.</remarks>
    internal static ControlClient Connect(string domain, string? system)
    {
        IReadOnlyList<ControlReply> all = Ask(system);
        string[] having = [.. all.Where(s => s.Domains?.Any(d => d.Name == domain) == true).Select(static s => s.System ?? string.Empty)];
        string[] names = [.. all.SelectMany(static s => s.Domains ?? []).Select(static d => d.Name)];
        return having switch
        {
            [string one] => ControlClient.TryConnect(one) ?? throw new OperatorException($"system {one} has just ended."),
            [] when all.Count == 0 => throw new OperatorException(NoneRuns),
            [] => throw new OperatorException($"no running system has a domain {domain}; there are {string.Join(", ", names)}{Near(domain, names)}."),
            _ => throw new OperatorException($"several systems have a domain {domain}; say which with --system: {string.Join(", ", having)}.", 2),
        };
    }

    /// <summary>Connects to the one system that runs, or is named.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where there is none, or more than one.</remarks>
    internal static ControlClient ConnectTo(string? system)
    {
        string[] names = [.. Ask(system).Select(static s => s.System ?? string.Empty)];
        return names switch
        {
            [string one] => ControlClient.TryConnect(one) ?? throw new OperatorException($"system {one} has just ended."),
            [] => throw new OperatorException(NoneRuns),
            _ => throw new OperatorException($"several systems are running; say which with --system: {string.Join(", ", names)}.", 2),
        };
    }

    private static string Near(string name, IEnumerable<string> names) => NearestName.Find(name, names) is { } near ? $"; did you mean {near}?" : string.Empty;
}
