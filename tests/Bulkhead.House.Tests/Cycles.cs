namespace Bulkhead.House.Tests;

/// <summary>Finds cycles in a graph of names.</summary>
internal static class Cycles
{
    /// <summary>One cycle per group of nodes that reach each other, as <c>A -> B -> A</c>.</summary>
    internal static IReadOnlyList<string> Find(IReadOnlyDictionary<string, IEnumerable<string>> graph)
    {
        var found = new List<string>();
        var done = new HashSet<string>();
        foreach (string node in graph.Keys.Order(StringComparer.Ordinal))
        {
            Visit(node, graph, [], done, found);
        }

        return found;
    }

    private static void Visit(string node, IReadOnlyDictionary<string, IEnumerable<string>> graph, List<string> path, HashSet<string> done, List<string> found)
    {
        int seen = path.IndexOf(node);
        if (seen >= 0)
        {
            found.Add(string.Join(" -> ", path.Skip(seen).Append(node)));
            return;
        }

        if (done.Contains(node))
        {
            return;
        }

        path.Add(node);
        foreach (string next in graph.TryGetValue(node, out IEnumerable<string>? edges) ? edges : [])
        {
            Visit(next, graph, path, done, found);
        }

        path.RemoveAt(path.Count - 1);
        _ = done.Add(node);
    }
}
