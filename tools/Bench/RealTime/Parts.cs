namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>All that is measured, in the order of the report.</summary>
internal static class Parts
{
    internal static readonly IReadOnlyList<Part> All =
    [
        new("host", "the host's own cyclictest, its CPU idle", static bed => HostCyclictest.Run(bed, busy: false)),
        new("host-busy", "the same beside a busy loop of ordinary priority on the same CPU", static bed => HostCyclictest.Run(bed, busy: true)),
        new("up", "cyclictest in the domain control of examples/mixed-criticality.yaml beside its burning domain", static bed => DomainCyclictest.Beside(bed, realTime: true)),
        new("up-io", "the same, beside two domains on the same CPU that write and read a disk, and send to each other, without end", DomainCyclictest.BesideTraffic),
        new("up-never", "the same with realtime: never", static bed => DomainCyclictest.Beside(bed, realTime: false)),
        new("qemu", "the same kernels and RAM disks in two QEMU TCG, of ordinary priority", static bed => QemuCyclictest.Run(bed, fifo: false)),
        new("qemu-fifo", "the same, all threads of the one with cyclictest in SCHED_FIFO once it has booted", static bed => QemuCyclictest.Run(bed, fifo: true)),
        new("up-alone", "the domain control without the other one", DomainCyclictest.Alone),
        new("shares", "shares of two burning domains by weights", WeightedShares.Run),
        new("idle", "many idle domains on one CPU", IdleDomains.Run),
        new("turns", "from a vCPU's turn to another's, two burning domains, allowance 10us", TurnGaps.Run),
        new("floods", "what a neighbour's flood of timers, interrupts, start-ups or exits takes from a domain that computes", Floods.Run),
        new("one-cpu", "chrt -f 50 taskset -c CPU bulkhead up examples/mixed-criticality.yaml --duration 10s", OneCpu.Run),
    ];
}
