namespace Bulkhead.Tools.Bench;

/// <summary>One row of the suite.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Class">Its class.</param>
/// <param name="What">What it does, in a sentence.</param>
/// <param name="Command">The program and its arguments; null for a workload of the guest program itself.</param>
internal sealed record Workload(string Name, string Class, string What, IReadOnlyList<string>? Command = null)
{
    /// <summary>The words after <c>bench</c> that run it.</summary>
    internal IReadOnlyList<string> Words(int repetitions) =>
        Command is null ? [Name, $"{repetitions}"] : ["exec", Name, $"{repetitions}", .. Command];

    /// <summary>Reads the lines of <c>bench list</c>: name, class and sentence, apart by tabs.</summary>
    internal static IReadOnlyList<Workload> Parse(string list) =>
        [.. list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).Select(w => new Workload(w[0], w[1], w[2]))];
}
