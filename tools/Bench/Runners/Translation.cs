using System.Globalization;
using System.Text.RegularExpressions;

namespace Bulkhead.Tools.Bench.Runners;

/// <summary>How fast guest code is translated, and how much it grows: what <c>--stats</c> says of a boot and a program in it.</summary>
internal static partial class Translation
{
    internal static readonly IReadOnlyList<Workload> Workloads =
    [
        new("kernel", "translation", "kernel text: Debian's kernel boots and runs one small program", ["/usr/bin/true"]),
        new("python", "translation", "kernel and user text: the same, and Python runs once", ["/usr/bin/python3.11", "-I", "-S", "work.py"]),
    ];

    /// <summary>Holds all that is translated, so that the bytes held are those of all instructions.</summary>
    private const string Cache = "cache=256";

    internal static IEnumerable<Trial> Trials(IReadOnlyList<Workload> workloads, Session session)
    {
        Session holding = session with { EngineOptions = session.EngineOptions is { } options ? $"{Cache},{options}" : Cache };
        return workloads.Select(w => new Trial(
            holding.Bulkhead("--kernel", session.Kernel, "--initrd", session.Initrd, "--memory", "1G", "--stats",
                "--append", $"quiet rdinit={GuestArchive.Init} -- {string.Join(' ', w.Words(0))}"),
            Qemu: null,
            command => [Observe(w.Name, command)]));
    }

    /// <summary>Reads the line <c>translated: N instructions in M ms, B bytes held</c>; the time may not be there.</summary>
    /// <exception cref="BenchException">There is no such line.</exception>
    internal static Sample Parse(string name, IReadOnlyList<string> lines)
    {
        Match line = lines.Select(l => TranslatedLine().Match(l)).FirstOrDefault(m => m.Success)
            ?? throw new BenchException($"no 'translated:'; the last lines: {string.Join(" / ", lines.TakeLast(5))}");
        double instructions = Number("instructions");
        return new Sample(name, line.Groups["ms"].Success ? Number("ms") * 1e6 / instructions : null, Number("bytes") / instructions);

        double Number(string group) => double.Parse(line.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    private static Sample Observe(string name, IReadOnlyList<string> command)
    {
        (IReadOnlyList<string> lines, int exitCode) = Command.Run(command);
        return exitCode == 0 ? Parse(name, lines) : throw new BenchException($"exit code {exitCode}; the first lines: {string.Join(" / ", lines.Take(5))}");
    }

    [GeneratedRegex(@"^translated: (?<instructions>[1-9]\d*) instructions(?: in (?<ms>[\d.]+) ms)?, (?<bytes>\d+) bytes held$")]
    private static partial Regex TranslatedLine();
}
