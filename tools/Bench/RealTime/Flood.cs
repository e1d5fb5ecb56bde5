namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>A flood that a domain begins beside another one that computes.</summary>
/// <param name="Policy">The pool's policy.</param>
/// <param name="Kind">What <c>floods.elf</c> does; <see cref="Calm"/> is what the others are compared with.</param>
/// <param name="Vcpus">How many vCPUs the attacker has; the last one shares the measured CPU, of two the first has another CPU.</param>
internal sealed record Flood(string Policy, string Kind, int Vcpus)
{
    /// <summary>No flood: the attacker computes.</summary>
    internal const string Calm = "calm";

    private static readonly string[] s_ofOne = [Calm, "timer", "pit", "pit-masked", "hpet", "cpuid", "port", "flush", "smc"];
    private static readonly string[] s_ofTwo = [Calm, "nmi", "sipi", "init", "ipi"];

    /// <summary>All that are measured, each after the calm one it is compared with.</summary>
    internal static IReadOnlyList<Flood> All { get; } =
    [
        .. s_ofOne.Select(static kind => new Flood("bvt", kind, 1)),
        .. s_ofTwo.Select(static kind => new Flood("bvt", kind, 2)),
        .. OfBoth("edf"),
        .. OfBoth("arinc653"),
    ];

    private static Flood[] OfBoth(string policy) => [new(policy, Calm, 1), new(policy, "timer", 1), new(policy, Calm, 2), new(policy, "nmi", 2)];
}
