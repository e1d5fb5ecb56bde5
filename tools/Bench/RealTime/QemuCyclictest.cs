using System.Text.Json.Nodes;
using Bulkhead.Images;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>cyclictest in QEMU's translator beside a second QEMU that burns, both on the measured CPU.</summary>
internal static class QemuCyclictest
{
    private const string Program = "/usr/bin/qemu-system-x86_64";
    private const string Priority = "50";
    private const string MainLoopPriority = "51";

    /// <summary>Measures.</summary>
    /// <param name="bed">Where.</param>
    /// <param name="fifo">Whether all threads of the QEMU with cyclictest go before the other's.</param>
    internal static JsonObject Run(Bed bed, bool fifo)
    {
        if (!File.Exists(Program))
        {
            throw new BenchException("there is no QEMU (apt-get install qemu-system-x86)");
        }

        using var burner = new LineProcess(bed.Pinned(Qemu(bed.BusyGuest, "bulkhead.task=burn")));
        _ = burner.Until(static l => l.Contains("burn: cpu=0", StringComparison.Ordinal), Bed.Patience);
        using var test = new LineProcess(bed.Pinned(Qemu(bed.RealTimeGuest, $"bulkhead.task=cyclictest bulkhead.seconds={bed.Seconds} bulkhead.histogram={Bed.HistogramUs}")), bed.Log);
        if (fifo)
        {
            _ = test.Until(static l => l.Contains("bulkhead: init", StringComparison.Ordinal), Bed.Patience);
            SetPriorities(test.Id);
        }

        _ = test.Until(static l => l.Contains("cyclictest: summary", StringComparison.Ordinal), TimeSpan.FromSeconds(bed.Seconds) + (2 * Bed.Patience));
        return Distribution.OfGuest(test.Lines).ToJson(bed.Expected);
    }

    /// <summary>The version, in its own words; nothing without it.</summary>
    internal static string Version() => File.Exists(Program) ? GuestArchive.Output(Program, "--version").Split('\n')[0] : "";

    // Not from the start: while the kernel boots, the vCPU's thread would never let the main loop's, which has the timers, run,
    // and the kernel panics for want of timer interrupts. The main loop's goes before the vCPU's for the same reason.
    private static void SetPriorities(int process)
    {
        (_, int all) = Runners.Command.Run(["chrt", "--all-tasks", "--fifo", "--pid", Priority, $"{process}"]);
        (_, int main) = Runners.Command.Run(["chrt", "--fifo", "--pid", MainLoopPriority, $"{process}"]);
        if (all != 0 || main != 0)
        {
            throw new BenchException("the host does not permit real-time priority; run as root, or raise the user's limit rtprio");
        }
    }

    private static string[] Qemu(GuestImage image, string words) =>
    [
        Program, "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "256M", "-smp", "1", "-display", "none", "-serial", "stdio", "-monitor", "none",
        "-no-reboot", "-kernel", image.KernelPath, "-initrd", image.InitrdPath, "-append", $"console=ttyS0,115200 panic=-1 quiet {words}",
    ];
}
