using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Bulkhead.Tools.Divergence;

/// <summary>The two guests, each with a log that is read while it is written.</summary>
internal sealed class Guests : IDisposable
{
    /// <summary>Words that make the kernel take the same ways on both: nothing random, and nothing only one side offers.</summary>
    private const string CommandLine = "console=ttyS0,115200 panic=-1 nokaslr norandmaps nopv mitigations=off nopcid nox2apic lapic=notscdeadline clearcpuid=invpcid";

    /// <summary>Off in QEMU's fullest model, since our engine offers none of it.</summary>
    private const string QemuOff = "la57=off,svm=off,3dnow=off,3dnowext=off,ss=off,acpi=off,monitor=off,rdrand=off,rdseed=off,sse4a=off,mpx=off,pku=off,vaes=off,cr8legacy=off";

    private const string Output = "/proc/self/fd/1";
    private const int LastLines = 8;

    private static readonly string[] s_said = ["ours.serial", "ours.err", "qemu.serial", "qemu.err"];

    private readonly Settings _settings;
    private readonly string _folder;
    private readonly List<Process> _processes = [];

    internal Guests(Settings settings, string folder)
    {
        _settings = settings;
        _folder = folder;
    }

    /// <summary>Starts our engine; the stream holds every instruction's address.</summary>
    internal Lookahead StartOurs(string kernel, string initrd)
    {
        string[] command = _settings.Bulkhead.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string log = Path.Combine(_folder, "log");

        // The engine appends the vCPU's number.
        _ = File.CreateSymbolicLink(log + ".0", Output);
        return Start(LogFormat.Bulkhead, "ours", Command.Need(command[0], "dotnet-sdk-10.0"),
        [
            .. command[1..], "run", "--kernel", kernel, "--initrd", initrd, "--memory", $"{_settings.MemoryMiB}M",
            "--append", WithoutCommon(), "--serial", $"file:{Path.Combine(_folder, "ours.serial")}", "--clock", "instructions",
            "--engine-options", $"chain=off,jump-cache=off,max-block=1,block-log={log}",
        ]);
    }

    /// <summary>Starts QEMU with a clock that counts a nanosecond an instruction.</summary>
    internal Lookahead StartQemu(string kernel, string initrd)
    {
        string qemu = Command.Need(_settings.Qemu, "qemu-system-x86");
        using var help = new MemoryStream();
        Command.Run(qemu, ["-help"], help);

        // From QEMU 8.1 on it is a property of the accelerator.
        bool old = Encoding.ASCII.GetString(help.ToArray()).Contains("\n-singlestep", StringComparison.Ordinal);
        string[] single = old ? ["-accel", "tcg", "-singlestep"] : ["-accel", "tcg,one-insn-per-tb=on"];
        return Start(LogFormat.Qemu, "qemu", qemu,
        [
            .. single, "-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-cpu", _settings.QemuCpu ?? QemuCpu(),
            "-m", $"{_settings.MemoryMiB}M", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", $"file:{Path.Combine(_folder, "qemu.serial")}", "-kernel", kernel, "-initrd", initrd,
            "-append", $"console=ttyS0,115200 panic=-1 {WithoutCommon()}", "-d", "exec,nochain", "-D", Output,
        ]);
    }

    /// <summary>Ends both guests.</summary>
    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            process.WaitForExit();
            process.Dispose();
        }

    }

    /// <summary>What the guests printed last, and what their programs had to say.</summary>
    internal string Said()
    {
        var text = new StringBuilder();
        foreach (string file in s_said.Where(f => File.Exists(Path.Combine(_folder, f))))
        {
            _ = text.AppendLine(file);
            foreach (string line in File.ReadLines(Path.Combine(_folder, file)).TakeLast(LastLines))
            {
                _ = text.Append("  ").AppendLine(line);
            }
        }

        return text.ToString();
    }

    private Lookahead Start(LogFormat format, string name, string program, IEnumerable<string> arguments)
    {
        Process process = Command.Start(program, arguments, Path.Combine(_folder, name + ".err"));
        _processes.Add(process);
        return new Lookahead(new LogSource(process.StandardOutput.BaseStream, format));
    }

    // The kernel's own first words are added by our command line.
    private string WithoutCommon() => $"{CommandLine["console=ttyS0,115200 panic=-1 ".Length..]} {_settings.Append}".TrimEnd();

    // Vendor, family, model and stepping follow the host on our side.
    private static string QemuCpu()
    {
        Dictionary<string, string> host = File.ReadLines("/proc/cpuinfo").TakeWhile(static l => l.Length > 0)
            .Select(static l => l.Split(':', 2)).Where(static p => p.Length == 2)
            .ToDictionary(static p => p[0].Trim(), static p => p[1].Trim());
        return string.Create(CultureInfo.InvariantCulture, $"max,vendor={host["vendor_id"]},family={host["cpu family"]},model={host["model"]},stepping={host["stepping"]},{QemuOff}");
    }
}
