namespace Bulkhead.Tools.Bench.Runners;

/// <summary>What is the same for all classes of a run.</summary>
/// <param name="Data">The directory of the guest program, the kernel that measures exits, and what programs read.</param>
/// <param name="Kernel">The image's.</param>
/// <param name="Initrd">The image's, with the suite's files.</param>
/// <param name="Repetitions">How often each workload counts.</param>
/// <param name="EngineOptions">For <c>bulkhead run</c>; null for the engine as it is.</param>
internal sealed record Session(string Data, string Kernel, string Initrd, int Repetitions, string? EngineOptions)
{
    private readonly string? _qemu = FindQemu();

    internal string Root { get; } = Environment.CurrentDirectory;

    internal string GuestProgram => Path.Combine(Data, "bench");

    /// <summary>The command of a guest on Bulkhead, which finds nothing that another translated.</summary>
    internal string[] Bulkhead(params IEnumerable<string> arguments) =>
        ["./bulkhead", "run", .. arguments, "--engine-options", $"code-store=off,{EngineOptions}"];

    /// <summary>The command of a guest on QEMU's translator, with its first serial port on standard input and output; null without QEMU.</summary>
    internal string[]? Qemu(params IEnumerable<string> arguments) => _qemu is null ? null :
        [_qemu, "-accel", "tcg,thread=multi", "-cpu", "max", "-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", .. arguments];

    private static string? FindQemu()
    {
        const string Qemu = "/usr/bin/qemu-system-x86_64";
        if (File.Exists(Qemu))
        {
            return Qemu;
        }

        Console.Error.WriteLine("bench/run: without QEMU; to compare with it: apt-get install qemu-system-x86");
        return null;
    }
}
