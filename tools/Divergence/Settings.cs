using System.Globalization;

namespace Bulkhead.Tools.Divergence;

/// <summary>What the command line asks for.</summary>
internal sealed record Settings
{
    internal const string Help = """
        Boots the same Linux kernel on QEMU's translator and on Bulkhead's engine, instruction by instruction, and finds the
        first place where they take different ways and do not come back to a common one.

          tools/divergence [--instructions N] [--run N] [--window N] [--kernel FILE] [--initrd FILE] [--append TEXT]
                           [--memory MIB] [--bulkhead COMMAND] [--qemu COMMAND] [--qemu-cpu MODEL] [--report N]

          --instructions N   how many common instructions to follow, in millions (20)
          --run N            how many common addresses in a row count as having met again (32)
          --window N         how far ahead either side may be when they meet, in thousands of instructions (4000)
          --kernel FILE      a bzImage or an uncompressed kernel with a PVH note (the debian image's)
          --initrd FILE      its initial RAM disk (the debian image's)
          --append TEXT      words to add to the kernel's command line
          --memory MIB       the guest's memory (512)
          --bulkhead COMMAND the engine (./bulkhead)
          --qemu COMMAND     QEMU (qemu-system-x86_64)
          --qemu-cpu MODEL   QEMU's -cpu (one like ours; the processor's identity is the host's)
          --report N         addresses to print around a difference seen for the first time (0)

        Both count time in instructions, so interrupts come at about the same place. What differs for good reason (firmware
        tables, devices, CPUID, the exact time) is listed by the instruction after which the two part; a new branch there of
        code that should not depend on those things is a find. Exit codes: 0 all met again, 1 an error, 2 usage, 3 a
        difference without a meeting.

        Needs: qemu-system-x86 and, for a compressed kernel, lz4, xz-utils or zstd. It installs nothing.
        """;

    internal long Instructions { get; init; } = 20_000_000;

    internal int Run { get; init; } = 32;

    internal int Window { get; init; } = 4_000_000;

    internal string? Kernel { get; init; }

    internal string? Initrd { get; init; }

    internal string Append { get; init; } = string.Empty;

    internal int MemoryMiB { get; init; } = 512;

    internal string Bulkhead { get; init; } = "./bulkhead";

    internal string Qemu { get; init; } = "qemu-system-x86_64";

    internal string? QemuCpu { get; init; }

    internal int Report { get; init; }

    /// <summary>Reads the command line; null with what is wrong.</summary>
    internal static Settings? Parse(string[] args, out string error)
    {
        var settings = new Settings();
        error = string.Empty;
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            string value = i + 1 < args.Length ? args[++i] : string.Empty;
            bool number = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && (n > 0 || name == "--report");
            Settings? next = name switch
            {
                "--instructions" when number => settings with { Instructions = n * 1_000_000L },
                "--run" when number => settings with { Run = n },
                "--window" when number && n <= 100_000 => settings with { Window = n * 1000 },
                "--memory" when number => settings with { MemoryMiB = n },
                "--report" when number => settings with { Report = n },
                "--kernel" when value.Length > 0 => settings with { Kernel = value },
                "--initrd" when value.Length > 0 => settings with { Initrd = value },
                "--append" => settings with { Append = value },
                "--bulkhead" when value.Length > 0 => settings with { Bulkhead = value },
                "--qemu" when value.Length > 0 => settings with { Qemu = value },
                "--qemu-cpu" when value.Length > 0 => settings with { QemuCpu = value },
                _ => null,
            };
            if (next is null)
            {
                error = $"{name} {value}: there is no such option, or its value is wrong; see --help.";
                return null;
            }

            settings = next;
        }

        return settings;
    }
}
