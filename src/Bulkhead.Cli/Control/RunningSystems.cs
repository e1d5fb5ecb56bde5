using Bulkhead.Cli.Output;
using Bulkhead.Host;

namespace Bulkhead.Cli.Control;

/// <summary>The systems of this user that run now.</summary>
internal static class RunningSystems
{
    private const string NoneRuns = "no system is running; 'bulkhead up FILE' starts one.";

    /// <summary>What each says of itself; of those that say nothing in time, standard error tells.</summary>
    /// <param name="only">The one system that is meant, or null for all.</param>
    /// <param name="verb">What they are asked.</param>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where the one that is meant does not run, or says nothing.</remarks>
    internal static IReadOnlyList<ControlReply> Ask(string? only, string verb = "ps")
    {
        if (only is not null)
        {
            return [TryAsk(only, verb) ?? throw new OperatorException($"no system {only} is running{Near(only, SystemDirectory.Names().Where(Runs))}")];
        }

        var replies = new List<ControlReply>();
        foreach (string name in SystemDirectory.Names())
        {
            try
            {
                if (TryAsk(name, verb) is { } reply)
                {
                    replies.Add(reply);
                }
            }
            catch (OperatorException e)
            {
                Complaint.Write(Console.Error, e.Message);
            }
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
            [] => throw new OperatorException($"no running system has a domain {domain}; there are {string.Join(", ", names)}{Near(domain, names)}"),
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

    private static ControlReply? TryAsk(string system, string verb)
    {
        using ControlClient? client = ControlClient.TryConnect(system);
        return client?.Ask(new ControlRequest { Verb = verb }, ControlClient.AnswerMs);
    }

    private static bool Runs(string system)
    {
        try
        {
            using ControlClient? client = ControlClient.TryConnect(system);
            return client is not null;
        }
        catch (OperatorException)
        {
            return true; // it does not answer
        }
    }

    // The end of a sentence.
    private static string Near(string name, IEnumerable<string> names) => NearestName.Find(name, names) is { } near ? $"; did you mean {near}?" : ".";
}
