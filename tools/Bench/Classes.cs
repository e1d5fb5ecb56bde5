using Bulkhead.Tools.Bench.Runners;

namespace Bulkhead.Tools.Bench;

/// <summary>The classes of the suite, in the order of its reports.</summary>
internal static class Classes
{
    internal static readonly IReadOnlyList<WorkloadClass> All =
    [
        new("integer", "sorting, compression, parsing, hashing", Target.ToNative(1.5), Target.AheadOfQemu(6)),
        new("floating", "scalar SSE2, AVX2, x87", Target.ToNative(1.25), Target.AheadOfQemu(14)),
        new("crypto", "SHA-256, AES, ChaCha20", Target.ToNative(1.25), Target.AheadOfQemu(14)),
        new("calls", "recursion, tables of functions", Target.ToNative(2), Target.AheadOfQemu(4.5)),
        new("interpreters", "bytecode, Python, Perl, Lua, awk, shell", Target.ToNative(2.8), Target.AheadOfQemu(6)),
        new("codegen", "code written while it runs", Target.ToNative(5), Target.AheadOfQemu(10)),
        new("memory", "copies, fills, reads all over, first touches", Target.ToNative(1.4), Target.AheadOfQemu(9)),
        new("system", "system calls, processes, faults, signals, files", Target.ToNative(3.5), Target.AheadOfQemu(4.5)),
        new("smp", "the same work by one thread and by two", Target.AheadOfQemu(3)) { Cpus = 2 },
        new("exits", "what a hypervisor has to do itself", Target.EachAheadOfQemu(1))
        {
            Unit = Unit.Nanoseconds, Runner = new TurnsRunner(ExitsKernel.Exits), Workloads = ExitsKernel.ExitWorkloads,
        },
        new("start", "from the command to the guest's first byte", Target.Within(30e6, "at most 30 ms"))
        {
            Runner = new TurnsRunner(ExitsKernel.Start), Workloads = ExitsKernel.StartWorkloads,
        },
        new("translation", "guest instructions translated, of all the time spent at it", Target.Within(1e3 / 6, "at least 6 M instructions/s"))
        {
            Unit = Unit.MillionsPerSecond, Runner = new TurnsRunner(Translation.Trials), Workloads = Translation.Workloads,
        },
    ];

    /// <summary>The class of a name.</summary>
    internal static WorkloadClass Of(string name) => All.First(c => c.Name == name);
}
