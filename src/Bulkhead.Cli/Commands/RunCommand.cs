using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
using System.Globalization;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Output;
using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Host.Terminal;
using Bulkhead.Images;
using Bulkhead.Machine;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Smbios;

namespace Bulkhead.Cli.Commands;

/// <summary><c>bulkhead run</c>: one guest, until it ends.</summary>
internal sealed class RunCommand
{
    internal const string Notes = """
        Examples:
          bulkhead run debian
          bulkhead run debian --append bulkhead.task=script --timeout 60s
          bulkhead run debian-full --memory 1G --cpus 2
          bulkhead run --kernel bzImage --initrd initrd.img --memory 1G --cpus 2
          bulkhead run disk.qcow2
          bulkhead run appliance.ova

        On a terminal, Ctrl-A x ends the guest and Ctrl-A h lists the keys.

        Exit codes:
          0 power-off, 1 error, 2 usage, 10 guest panic, 12 triple fault, 14 reset loop,
          16 unsupported feature, 18 engine fault, 20 halted for good, 124 timeout,
          129 SIGHUP, 130 SIGINT, 143 SIGTERM; of a domain of 'bulkhead up' also
          22 hung (its watchdog), 137 stopped by force or killed by the operator

        """;

    private const ulong MemoryUnit = 1UL << 20;

    private readonly IMachineHost _host;
    private readonly TextWriter _errors;
    private readonly Argument<string?> _image = new("IMAGE|FILE")
    {
        Description = $"An image Bulkhead makes itself ({string.Join(", ", ImageStore.RecipeNames)}), or a file from which a PC starts: a disk or ISO image, an OVA.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _kernel = Options.ExistingFile("--kernel", "A kernel to boot instead of an image: Linux's bzImage or vmlinux, a Multiboot kernel, or ELF with PVH entry; may be packed with gzip.");
    private readonly Option<string?> _initrd = Options.ExistingFile("--initrd", "The kernel's initial RAM disk.");
    private readonly Option<string?> _append = new("--append") { HelpName = "TEXT", Description = $"The kernel's command line; a Linux kernel is told '{DomainRequest.LinuxConsole}' before it." };
    private readonly Option<IReadOnlyList<ModuleRequest>> _module = Options.Several<ModuleRequest>(
        "--module", ModuleRequest.Form, "A file for a Multiboot kernel, and words for it; may be given several times.", ModuleRequest.Parse);

    private readonly Option<FirmwareRequest?> _firmware = Options.One<FirmwareRequest>(
        "--firmware", FirmwareRequest.Form, "Firmware that starts what is on the first disk, instead of a kernel: Debian's SeaBIOS or OVMF, or a file (docs/firmware.md).", FirmwareRequest.Parse);
    private readonly Option<ulong> _memory = Options.Create<ulong>("--memory", "SIZE", "The guest's memory (512M).", Quantity.SizeForm, Quantity.TryParseSize, CheckMemory);
    private readonly Option<int> _cpus = Options.Create(
        "--cpus", "N", "The number of CPUs the guest has (1).", $"a number from 1 to {SystemFile.MaxVcpus}", (string text, out int n) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out n) && n is >= 1 and <= SystemFile.MaxVcpus);

    private readonly Option<string?> _cpu = Options.OneOf<string?>(
        "--cpu", "The CPU the guest sees (x86-64-v3 where this host has it).", ("host", "host"), ("x86-64-v2", "x86-64-v2"), ("x86-64-v3", "x86-64-v3"));

    private readonly Option<EngineChoice> _engine = Options.OneOf(
        "--engine", "What runs the guest's code (auto).", ("auto", EngineChoice.Auto), ("translator", EngineChoice.Translator));

    private readonly Option<ClockChoice> _clock = Options.OneOf(
        "--clock", "What the guest's time is made of: the host's, or its own instructions (all of its vCPUs on one host CPU), so that it does the same every time (real).",
        ("real", ClockChoice.Real), ("instructions", ClockChoice.Instructions));

    private readonly Option<string?> _engineOptions = new("--engine-options") { HelpName = "LIST", Description = "Switches of the engine, for its developers (docs/engine.md)." };

    private readonly Option<SerialTarget?> _serial = Options.Create(
        "--serial", "stdio|file:PATH|unix:PATH|none", "Where the first serial port goes (stdio).", SerialTarget.Form, (string text, out SerialTarget? target) => SerialTarget.TryParse(text, out target));

    private readonly Option<IReadOnlyList<DiskRequest>> _disk = Options.Several<DiskRequest>(
        "--disk", DiskRequest.Form, "A disk (virtio) the guest has; may be given several times.", DiskRequest.Parse);

    private readonly Option<IReadOnlyList<NetRequest>> _net = Options.Several<NetRequest>(
        "--net", NetRequest.Form, "A network card (virtio) that reaches the host's networks (by passt); may be given several times (for an image with a disk: user, with a port for ssh).", NetRequest.Parse);

    private readonly Option<IReadOnlyList<ShareRequest>> _share = Options.Several<ShareRequest>(
        "--share", ShareRequest.Form, "A folder of the host, which the guest mounts by its tag: mount -t virtiofs TAG /mnt (its name); may be given several times.", ShareRequest.Parse);

    private readonly Option<ConsoleRequest?> _console = Options.One<ConsoleRequest>(
        "--console", ConsoleRequest.Form, "A console (virtio, /dev/hvc0) beside the serial port; a process of the host that connects to PATH is at it.", ConsoleRequest.Parse);

    private readonly Option<IReadOnlyList<PortRequest>> _port = Options.Several<PortRequest>(
        "--port", PortRequest.Form, "A stream of bytes (virtio) between /dev/virtio-ports/NAME in the guest and who connects to PATH; may be given several times.", PortRequest.Parse);

    private readonly Option<bool> _rng = Options.Switch("--rng", "Give the guest a device (virtio) that gives random bytes.");
    private readonly Option<bool> _balloon = Options.Switch("--balloon", "Give the guest a device (virtio) by which memory it has no use for goes back to the host.");

    private readonly Option<DisplayRequest?> _display = Options.Optional(
        "--display", DisplayRequest.Form, "Give the guest a display, and a keyboard (1024x768).", DisplayRequest.Default, DisplayRequest.Parse);

    private readonly Option<string?> _screenshot = new("--screenshot") { HelpName = "FILE", Description = "Write what the display shows at the end as a PNG file; with --display." };

    private readonly Option<VsockRequest?> _vsock = Options.One<VsockRequest>(
        "--vsock", VsockRequest.Form, "Sockets (virtio) to the host: processes of it connect to PATH, the guest to PATH_PORT (docs/devices.md).", VsockRequest.Parse);

    private readonly Option<long> _timeout = Options.Duration("--timeout", "End the guest after this time, with exit code 124.");
    private readonly Option<bool> _debugExit = Options.Switch("--debug-exit", "A byte written to port 0xf4 ends the guest with exit code value * 2 + 1.");
    private readonly Option<bool> _stats = Options.Switch("--stats", "Print at the end what the engine did and where its time went.");
    private readonly Option<string?> _profile = new("--profile") { HelpName = "FILE", Description = "Write where the guest's code spent its time: functions of its kernel, instructions." };
    private readonly Option<string?> _trace = new("--trace") { HelpName = "FILE", Description = "Write VM exits, interrupts and turns as a Chrome trace, which Perfetto opens (docs/trace.md)." };
    private readonly Option<string?> _name = Options.Create(
        "--name", "NAME", "Whose disk it is, of an image or OVA that has one: what is written to it is there at the next run of that name (the image's or file's).",
        UpCommand.NameForm, static (string text, out string? name) => UpCommand.IsName(name = text));

    private readonly Option<Guid?> _uuid = Options.Create(
        "--uuid", "UUID", "The UUID the guest finds (one made of the host and --name, else of the image's, file's or first disk's name).",
        DomainUuid.Form, static (string text, out Guid? uuid) => (uuid = DomainUuid.TryParse(text, out Guid own) ? own : null) is not null);

    private readonly Option<bool> _snapshot = Options.Switch("--snapshot", "Forget at the end what was written to the disks of the image or file.");
    private readonly Option<bool> _update = Options.Switch("--update", "Look for newer packages before the image is used.");

    internal RunCommand(IMachineHost host, TextWriter errors)
    {
        _host = host;
        _errors = errors;
    }

    internal Command Create()
    {
        var command = new Command("run", "Run one guest until it powers off.")
        {
            _image, _kernel, _initrd, _module, _firmware, _append, _memory, _cpus, _cpu,
            _serial, _disk, _net, _share, _console, _port, _rng, _balloon, _display, _screenshot, _vsock,
            _engine, _clock, _engineOptions, _timeout, _debugExit, _stats, _profile, _trace, _name, _uuid, _snapshot, _update,
        };
        _image.CompletionSources.Add([.. ImageStore.RecipeNames]);
        command.Validators.Add(Validate);
        command.SetAction(Run);
        return command;
    }

    private void Validate(CommandResult result)
    {
        bool image = result.GetResult(_image) is { Tokens.Count: > 0 };
        bool kernel = result.GetResult(_kernel) is not null;
        bool firmware = result.GetResult(_firmware) is not null;
        if (image && result.GetResult(_image) is { } word && word.Tokens[0].Value.StartsWith('-'))
        {
            result.AddError($"{word.Tokens[0].Value}: there is no such option.");
            return;
        }

        Needs(result, _screenshot, result.GetResult(_display) is not null, "there is no display to be seen; give --display as well.");
        Needs(result, _name, image, "goes with an image or OVA, whose disk it names; leave it out.");
        Needs(result, _name, !IsGiven(result.GetResult(_snapshot)), "nothing is kept with --snapshot; give one of them.");
        Needs(result, _snapshot, image, "goes with an image or file; of other disks, write --disk FILE,snapshot.");
        Needs(result, _update, image, "goes with an image that is made of packages; leave it out.");
        if (image && (kernel || result.GetResult(_initrd) is not null || result.GetResult(_module) is not null))
        {
            result.AddError("An image brings its own kernel and initrd; give either IMAGE or --kernel with --initrd or --module.");
        }
        else if (firmware && (kernel || result.GetResult(_initrd) is not null || result.GetResult(_module) is not null || result.GetResult(_append) is not null))
        {
            result.AddError("Firmware finds kernel, initrd, modules and command line on a disk; give either --firmware or --kernel with --initrd, --module and --append.");
        }
        else if (!image && !kernel && !firmware)
        {
            result.AddError($"Nothing to run; give an image ({string.Join(", ", ImageStore.RecipeNames)}), a disk, --kernel FILE, or --firmware seabios --disk FILE.");
        }
    }

    // An option without effect is a misunderstanding, which is said before anything runs.
    private static void Needs(CommandResult result, Option option, bool there, string words)
    {
        if (!there && IsGiven(result.GetResult(option)))
        {
            result.AddError($"{option.Name}: {words}");
        }
    }

    // The same of what is known only when the image or file was looked at.
    private static void Refuse(ParseResult line, Option option, string words)
    {
        if (IsGiven(line.GetResult(option)))
        {
            throw new OperatorException($"{option.Name}: {words}", ExitCode.Usage);
        }
    }

    // A switch that is not given has a result as well.
    private static bool IsGiven(OptionResult? result) => result is { Implicit: false };

    private static string? CheckMemory(string text, ulong bytes)
    {
        if (bytes < SystemFile.MinMemoryBytes)
        {
            return $"--memory {text}: {Quantity.FormatSize(bytes)} {(bytes < 1024 ? "bytes are" : "is")} too little to boot; give at least {Quantity.FormatSize(SystemFile.MinMemoryBytes)}, as in --memory 512M.";
        }

        return bytes <= SystemFile.MaxMemoryBytes && bytes % MemoryUnit == 0
            ? null
            : $"--memory {text}: give a whole number of MiB, at most {Quantity.FormatSize(SystemFile.MaxMemoryBytes)}.";
    }

    private int Run(ParseResult line)
    {
        string? kernel = line.GetValue(_kernel);
        string? initrd = line.GetValue(_initrd);
        SerialTarget serial = line.GetValue(_serial) ?? new SerialTarget(SerialKind.Stdio, string.Empty);
        FirmwareRequest? firmware = line.GetValue(_firmware);
        string append = line.GetValue(_append) ?? string.Empty;
        IReadOnlyList<DiskRequest> disks = line.GetValue(_disk) ?? [];
        IReadOnlyList<NetRequest> nets = line.GetValue(_net) ?? [];
        FileGuest? file = null;
        string? greeting = null;
        if (line.GetValue(_image) is string path && FileGuest.IsFile(path))
        {
            Refuse(line, _append, $"the kernel's command line is on {path}; leave it out, or give --kernel.");
            Refuse(line, _update, $"{path} is made of no packages; leave it out.");
            file = FileGuest.Open(path, line.GetValue(_name) ?? UpCommand.NameOf(path), line.GetValue(_snapshot), firmware, new DomainImages(), Say);
            if (file.Cpus is null)
            {
                Refuse(line, _name, $"{path} is no package of a machine, and its guest writes to it; leave it out.");
            }

            (firmware, disks) = (file.Firmware, [.. file.Disks, .. disks]);
        }
        else if (line.GetValue(_image) is string name)
        {
            ImageGuest guest = Resolve(name, line);
            if (guest.Disks.Count == 0)
            {
                Refuse(line, _name, $"{name} has no disk that could be kept; leave it out.");
                Refuse(line, _firmware, $"{name} has no disk that it could start; give an image that has one, or leave it out.");
            }

            (kernel, initrd) = firmware is null ? (guest.Image.KernelPath, guest.Image.InitrdPath) : (null, null);
            firmware = guest.Own(firmware);
            append = $"{guest.Image.Append} {WithWindow(append, serial)}".Trim();
            disks = [.. guest.Disks, .. disks];
            if (guest.Disks.Count > 0 && nets.Count == 0 && line.GetValue(_clock) == ClockChoice.Real)
            {
                var access = SshAccess.Find(guest.Image);
                (nets, greeting) = ([access.Net], access.Words);
            }
        }

        string? source = line.GetValue(_image) ?? disks.Select(static d => d.Path).FirstOrDefault();
        string? identity = line.GetValue(_name) ?? (source is null ? null : UpCommand.NameOf(source));
        return _host.Run(new RunRequest
        {
            Guest = new DomainRequest
            {
                Name = "guest",
                Uuid = line.GetValue(_uuid) ?? (identity is null ? null : line.GetValue(_clock) == ClockChoice.Real ? DomainUuid.OfHere(identity) : DomainUuid.Of(identity)),
                KernelPath = kernel,
                Firmware = firmware,
                InitrdPath = initrd,
                Modules = line.GetValue(_module) ?? [],
                CommandLine = append,
                MemoryBytes = line.GetResult(_memory) is null ? file?.MemoryBytes ?? (512UL << 20) : line.GetValue(_memory),
                Vcpus = line.GetResult(_cpus) is null ? file?.Cpus ?? 1 : line.GetValue(_cpus),
                CpuModel = line.GetValue(_cpu) ?? "auto",
                Disks = disks,
                Nets = nets,
                Shares = line.GetValue(_share) ?? [],
                Console = line.GetValue(_console),
                Ports = line.GetValue(_port) ?? [],
                Entropy = line.GetValue(_rng),
                Balloon = line.GetValue(_balloon),
                Display = line.GetValue(_display),
                Vsock = line.GetValue(_vsock),
                DebugExit = line.GetValue(_debugExit),
            },
            Engine = line.GetValue(_engine),
            Clock = line.GetValue(_clock),
            EngineOptions = line.GetValue(_engineOptions) ?? string.Empty,
            Serial = serial,
            Greeting = greeting,
            ScreenshotPath = line.GetValue(_screenshot) is string screenshot ? Path.GetFullPath(screenshot) : null,
            TimeoutNs = line.GetResult(_timeout) is null ? null : line.GetValue(_timeout),
            Stats = line.GetValue(_stats),
            ProfilePath = line.GetValue(_profile) is string profile ? Path.GetFullPath(profile) : null,
            TracePath = line.GetValue(_trace) is string trace ? Path.GetFullPath(trace) : null,
        });
    }

    private ImageGuest Resolve(string name, ParseResult line)
    {
        var request = new ImageRequest(name) { Update = line.GetValue(_update) };
        return ImageGuest.Find(new ImageStore(), request, line.GetValue(_name), line.GetValue(_snapshot), Say);
    }

    private void Say(string text) => Complaint.Write(_errors, text);

    // Our images size their terminal by these words; a serial line has no other way to learn it.
    private static string WithWindow(string append, SerialTarget serial)
    {
        if (serial.Kind != SerialKind.Stdio || append.Contains("bulkhead.rows=", StringComparison.Ordinal) || !TerminalSize.TryRead(0, out TerminalSize size))
        {
            return append;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{append} bulkhead.rows={size.Rows} bulkhead.cols={size.Columns}").TrimStart();
    }
}
