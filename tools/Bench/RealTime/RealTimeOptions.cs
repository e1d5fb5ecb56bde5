using System.Globalization;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>What <c>bench/realtime</c> is asked for.</summary>
internal sealed record RealTimeOptions
{
    internal static readonly string Usage = $"""
        usage: bench/realtime [OPTION...]

        Measures how late real-time guests are woken, on the host itself, on Bulkhead and on QEMU's translator, and what the
        scheduler does, all on the last CPU this process may use; writes bench/results.

        Options:
          --seconds N   how long each setting is measured (60), from 5
          --quick       8 seconds each, and a quarter of the idle domains
          --only PART   only this; may stand more than once; no results are written
          --help        print this and end

        Parts:
        {string.Join('\n', Parts.All.Select(p => $"  {p.Name,-14} {p.What}"))}
        """;

    private const int QuickSeconds = 8;

    // Guests are asked a little before the end.
    private const int LeastSeconds = 5;
    private static readonly string[] s_names = ["--seconds", "--quick", "--only", "--help"];

    internal int Seconds { get; private set; } = 60;

    internal bool Quick { get; private set; }

    internal bool Help { get; private set; }

    internal List<string> Only { get; } = [];

    /// <summary>Reads the command line.</summary>
    /// <exception cref="BenchException">It has what is not known; the exit code is 2.</exception>
    internal static RealTimeOptions Parse(IEnumerable<string> arguments)
    {
        var options = new RealTimeOptions();
        using IEnumerator<string> words = arguments.GetEnumerator();
        while (words.MoveNext())
        {
            string word = words.Current;
            switch (Options.Find("option", word, s_names, static n => n))
            {
                case "--help":
                    options.Help = true;
                    break;
                case "--quick":
                    (options.Quick, options.Seconds) = (true, QuickSeconds);
                    break;
                case "--seconds":
                    options.Seconds = int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n >= LeastSeconds
                        ? n
                        : throw new BenchException($"--seconds: '{words.Current}' is not a number from {LeastSeconds}", 2);
                    break;
                case "--only":
                    options.Only.Add(Options.Find("part", Value(), Parts.All, static p => p.Name).Name);
                    break;
            }

            string Value() => words.MoveNext() ? words.Current : throw new BenchException($"{word} needs a value", 2);
        }

        return options;
    }
}
