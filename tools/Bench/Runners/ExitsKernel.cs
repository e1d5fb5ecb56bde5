using System.Globalization;

namespace Bulkhead.Tools.Bench.Runners;

/// <summary>The kernel <c>exits.elf</c>: what exits cost, and how long it takes until it says anything.</summary>
internal static class ExitsKernel
{
    internal static readonly IReadOnlyList<Workload> ExitWorkloads =
    [
        new("port-read", "exits", "a read of a serial port's register"),
        new("mmio-read", "exits", "a read of a local APIC's register"),
        new("cpuid", "exits", "CPUID"),
        new("msr-write", "exits", "a write of an MSR"),
        new("self-ipi", "exits", "an interrupt to itself, to the end of its handler"),
        new("timer", "exits", "the local APIC's timer set"),
    ];

    internal static readonly IReadOnlyList<Workload> StartWorkloads = [new("kernel", "start", "from the start of the process to the guest's first byte on the serial port")];

    internal static IEnumerable<Trial> Exits(IReadOnlyList<Workload> workloads, Session session)
    {
        double hz = TscHz(session.GuestProgram);
        yield return Run(session, command => ParseExits(Command.Run(command).Lines, hz));
    }

    internal static IEnumerable<Trial> Start(IReadOnlyList<Workload> workloads, Session session)
    {
        yield return Run(session, command => [new Sample(workloads[0].Name, Command.TimeToFirstByte(command))]);
    }

    /// <summary>Reads lines <c>exit NAME CYCLES</c> up to <c>exits done</c>.</summary>
    /// <exception cref="BenchException">They do not end so.</exception>
    internal static IReadOnlyList<Sample> ParseExits(IReadOnlyList<string> lines, double hz)
    {
        if (!lines.Contains("exits done"))
        {
            throw new BenchException($"no 'exits done'; the last lines: {string.Join(" / ", lines.TakeLast(5))}");
        }

        return [.. lines.Select(l => l.Split(' ')).Where(w => w is ["exit", _, _]).Select(w => new Sample(w[1], double.Parse(w[2], CultureInfo.InvariantCulture) * 1e9 / hz))];
    }

    /// <summary>The rate of the host's TSC, which guests' have too, by the program <c>bench</c>.</summary>
    internal static double TscHz(string guestProgram)
    {
        (IReadOnlyList<string> lines, _) = Command.Run([guestProgram, "tsc"]);
        return lines.Count == 1 && double.TryParse(lines[0], CultureInfo.InvariantCulture, out double hz) && hz > 0
            ? hz
            : throw new BenchException($"the TSC's rate is '{string.Join(" / ", lines)}'");
    }

    private static Trial Run(Session session, Func<IReadOnlyList<string>, IReadOnlyList<Sample>> observe)
    {
        string kernel = Path.Combine(session.Data, "exits.elf");
        return new Trial(
            session.Bulkhead("--kernel", kernel, "--debug-exit", "--timeout", "20s"),
            session.Qemu("-m", "256M", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", kernel),
            observe);
    }
}
