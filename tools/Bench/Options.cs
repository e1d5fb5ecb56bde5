using System.Globalization;
using Bulkhead.Host;

namespace Bulkhead.Tools.Bench;

/// <summary>What <c>bench/run</c> is asked for.</summary>
internal sealed record Options
{
    internal static readonly string Usage = $"""
        usage: bench/run [CLASS...] [OPTION...]

        Measures the engine against the host itself and against QEMU's translator, and writes bench/results.

        Classes; without one, all:
        {string.Join('\n', Bench.Classes.All.Select(c => $"  {c.Name,-22} {c.What}"))}

        Options:
          --only NAME            of the classes' workloads, only this; may stand more than once; no results are written
          --repetitions N        how often each counts (5)
          --engine-options LIST  for 'bulkhead run' (docs/engine.md)
          --list                 print the workloads and end
          --help                 print this and end
        """;

    private static readonly string[] s_names = ["--only", "--repetitions", "--engine-options", "--list", "--help"];

    internal List<WorkloadClass> Classes { get; } = [];

    internal List<string> Only { get; } = [];

    internal int Repetitions { get; private set; } = 5;

    internal string? EngineOptions { get; private set; }

    internal bool List { get; private set; }

    internal bool Help { get; private set; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="BenchException">It has what is not known; the exit code is 2.</exception>
    internal static Options Parse(IEnumerable<string> arguments)
    {
        var options = new Options();
        using IEnumerator<string> words = arguments.GetEnumerator();
        while (words.MoveNext())
        {
            options.Take(words.Current, () => words.MoveNext() ? words.Current : null);
        }

        return options;
    }

    /// <summary>The one of some named things a word stands for.</summary>
    /// <exception cref="BenchException">It is none; the message says which is near.</exception>
    internal static T Find<T>(string kind, string word, IReadOnlyList<T> all, Func<T, string> name)
        where T : class =>
        all.FirstOrDefault(a => name(a) == word) ?? throw Wrong($"there is no {kind} '{word}'", NearestName.Find(word, all.Select(name)));

    private void Take(string word, Func<string?> next)
    {
        switch (word)
        {
            case "--help" or "-h": Help = true; break;
            case "--list": List = true; break;
            case "--only": Only.Add(Value()); break;
            case "--engine-options": EngineOptions = Value(); break;
            case "--repetitions":
                string text = Value();
                Repetitions = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n : throw Wrong($"--repetitions: '{text}' is not a number from 1");
                break;
            default:
                if (word.StartsWith('-'))
                {
                    _ = Find("option", word, s_names, n => n);
                }

                Classes.Add(Find("class", word, Bench.Classes.All, c => c.Name));
                break;
        }

        string Value() => next() ?? throw Wrong($"{word} needs a value");
    }

    private static BenchException Wrong(string message, string? near = null) =>
        new($"{message}{(near is null ? "" : $"; did you mean '{near}'?")} ('bench/run --help' lists what there is)", 2);
}
