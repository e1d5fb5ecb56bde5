namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>The system files that are measured.</summary>
internal static class SystemFiles
{
    /// <summary>The example with both kinds of domain.</summary>
    internal const string Example = "examples/mixed-criticality.yaml";

    /// <summary>What the burning domain prints once it burns.</summary>
    internal const string Burning = "burn: cpu=0";

    /// <summary>What control prints once a second while it measures.</summary>
    internal const string Measuring = "cyclictest: T:";

    /// <summary>How the names of domains begin that wait at a prompt.</summary>
    internal const string IdleName = "idle-";

    /// <summary>The domain that computes beside a flood.</summary>
    internal const string Victim = "victim";

    /// <summary>The domain that floods.</summary>
    internal const string Attacker = "attacker";

    private const string Histogram = "bulkhead.histogram";
    private const string FloodMemory = "32Mi";

    /// <summary>The example, with control started when the other domain burns, and printing its histogram.</summary>
    /// <param name="text">The example's text.</param>
    /// <param name="realTime">Whether workers go before other processes.</param>
    /// <param name="histogramUs">How far latencies are told apart.</param>
    /// <exception cref="BenchException">The example is no longer what it was.</exception>
    internal static string Mixed(string text, bool realTime, int histogramUs)
    {
        text = Measured(text, histogramUs, "infotainment");
        text = After(text, "    task: burn\n", $"    ready: \"{Burning}\"\n");
        return realTime ? text : After(text, "  - name: shared\n", "    realtime: never\n");
    }

    /// <summary>The example, with two domains in place of the burning one that saturate a disk and a network.</summary>
    internal static string Saturated(string text, string disk, int histogramUs)
    {
        text = Measured(text, histogramUs, "infotainment, office");
        text = After(text, "    task: burn\n", $"""
                ready: "saturate: second=2"
                append: bulkhead.address=eth0:10.0.0.1/24 bulkhead.peer=10.0.0.2
                disks:
                  - file: {disk}
                    format: raw
                networks:
                  - name: lan

            """);
        return text.Replace("task: burn", "task: saturate", StringComparison.Ordinal) + """

              - name: office
                image: debian
                task: saturate
                memory: 256Mi
                ready: "saturate: second=2"
                append: bulkhead.address=eth0:10.0.0.2/24 bulkhead.peer=10.0.0.1
                networks: [{ name: lan }]

            networks:
              - name: lan
                rules:
                  - { from: infotainment, to: office, protocol: tcp }
                  - { from: office, to: infotainment, protocol: tcp }

            """;
    }

    /// <summary>One domain that measures, with nothing beside it.</summary>
    internal static string Alone(int histogramUs) => $"""
        domains:
          - name: control
            image: debian-rt
            task: cyclictest
            append: {Histogram}={histogramUs}
            ready: "{Measuring}"

        """;

    /// <summary>Two domains that burn, of these weights; the first is ready when both burn.</summary>
    internal static string Burners(int weightA, int weightB, string allowance = "1ms") => $"""
        pools:
          - name: shared
            cpus: [last]
            allowance: {allowance}
        domains:
          - name: a
            image: debian
            task: burn
            memory: 128Mi
            weight: {weightA}
            ready: "{Burning}"
            depends_on: [b]
          - name: b
            image: debian
            task: burn
            memory: 128Mi
            weight: {weightB}
            ready: "{Burning}"

        """;

    /// <summary>Domains that come to a prompt and wait there.</summary>
    internal static string Idle(int count, int memoryMiB) =>
        "domains:\n" + string.Concat(Enumerable.Range(0, count).Select(i => $"  - {{ name: {IdleName}{i}, image: debian, memory: {memoryMiB}Mi }}\n"));

    /// <summary>A domain that computes, and one of equal rights that floods, both before the host's other processes.</summary>
    /// <param name="flood">What it does.</param>
    /// <param name="kernel">The path of <c>floods.elf</c>.</param>
    /// <param name="cpu">The CPU they share.</param>
    /// <param name="other">Where the attacker's first vCPU is, if it has two.</param>
    /// <remarks>
    /// vCPUs are dealt in the file's order, each to the CPU with the fewest: the victim to the one it may be on, the attacker's first of two to
    /// the other one, its last to the first named. Who declares a latency is not moved from there, and is ahead of the host's processes.
    /// </remarks>
    internal static string Flooded(Flood flood, string kernel, int cpu, int other)
    {
        (string pool, string victim, string attacker) = flood.Policy switch
        {
            "bvt" => ("", "latency: 1s", "latency: 1s"),
            "edf" => ("", "reservation: { period: 20ms, budget: 10ms, extra: false }", ""),
            _ => ($"frame: {{ major: 20ms, windows: [{{ domain: {Victim}, at: 0, length: 10ms }}, {{ domain: {Attacker}, at: 10ms, length: 10ms }}] }}", "", ""),
        };
        return $"""
            pools:
              - name: shared
                cpus: [{(flood.Vcpus == 1 ? $"{cpu}" : $"{cpu}, {other}")}]
                policy: {flood.Policy}
                {pool}
            domains:
              - name: {Victim}
                kernel: {kernel}
                append: flood=victim
                memory: {FloodMemory}
                cpus: [{cpu}]
                depends_on: [{Attacker}]
                ready: "flood: victim"
                {victim}
              - name: {Attacker}
                kernel: {kernel}
                append: flood={flood.Kind}
                memory: {FloodMemory}
                vcpus: {flood.Vcpus}
                ready: "flood: {flood.Kind}"
                {attacker}

            """;
    }

    private static string Measured(string text, int histogramUs, string others) =>
        After(text, "    task: cyclictest\n", $"    append: {Histogram}={histogramUs}\n    ready: \"{Measuring}\"\n    depends_on: [{others}]\n");

    private static string After(string text, string line, string more)
    {
        int at = text.IndexOf(line, StringComparison.Ordinal);
        return at >= 0 && text.IndexOf(line, at + 1, StringComparison.Ordinal) < 0
            ? text.Insert(at + line.Length, more)
            : throw new BenchException($"{Example} has not one line '{line.Trim()}'");
    }
}
