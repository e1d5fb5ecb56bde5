using Bulkhead.Core;
using Bulkhead.Machine.Configuration.Fields;
using Bulkhead.Machine.Devices;
using Bulkhead.Scheduling;
using Bulkhead.Scheduling.Edf;
using Bulkhead.Scheduling.FixedPriority;
using Bulkhead.Yaml;

namespace Bulkhead.Machine.Configuration;

/// <summary>The fields of a system file: <see cref="SystemReader"/> knows those, and <see cref="SystemSchema"/> tells editors of them.</summary>
/// <remarks>A field that is added stands here, in one line; <c>docs/system-file.md</c> describes it at length.</remarks>
internal static class SystemFields
{
    public static readonly string[] Clocks = ["real", "virtual"];

    public static readonly string[] RealTimes = ["auto", "never"];

    public static readonly string[] Tasks = ["shell", "burn", "cyclictest", "script", "saturate", "storm", "urgency"];

    public static readonly FieldTable Warp = new(
        "warp", "Who warps goes first on waking up, and pays for it later.",
        ConfigField.Duration("value", 1_000, BvtParameters.MaxTimeNs, "Virtual time: how far ahead of its share it may be and still go first") with { Required = true },
        ConfigField.Duration("limit", 0, BvtParameters.MaxTimeNs, "Having run so long without sleeping it loses the warp; 0 = no limit") with { Default = "0" },
        ConfigField.Duration("unwarp", 0, BvtParameters.MaxTimeNs, "For so long it then does not warp; 0 = until its next wake-up") with { Default = "0", With = "limit" });

    public static readonly FieldTable Reservation = new(
        "reservation", "So much of the CPU in every period; under fixed-priority what the guest promises to keep to.",
        ConfigField.Duration("period", SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs, "The period") with { Required = true },
        ConfigField.Duration("budget", SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs, "So much in every period, at most the period") with { Required = true },
        ConfigField.Choice("extra", ConfigMap.Switches, "Whether it may take time nobody reserved when the budget is used up; only with edf") with { Default = ConfigMap.Switches[0] });

    public static readonly FieldTable Class = new(
        "class", "What a vCPU has in place of its domain's own warp or priority while its guest does something. What puts it there: hint, tpr, wake or doorbell, or several of them.",
        ConfigField.OwnName("name", "The class's name, unique in the domain") with { Required = true },
        ConfigField.Number("hint", 1, ClassReader.MostHint, "The guest wrote this number to the hint port, and since then neither another nor HLT"),
        ConfigField.Number("tpr", 1, ClassReader.MostTaskPriority, "The vCPU's task priority (CR8) is at least this"),
        ConfigField.Duration("wake", ClassReader.LeastNs, BvtParameters.MaxTimeNs, "From waking out of HLT until it has run so long, halts, or the guest writes a hint"),
        ConfigField.Number("doorbell", 0, ClassReader.MostDoorbell, "Another domain rang this doorbell of a channel, and since then the guest wrote no hint and did not halt"),
        ConfigField.Duration("warp", 0, BvtParameters.MaxTimeNs, "The warp in this class, in virtual time; with bvt only, and required there"),
        ConfigField.Number("priority", 0, FixedPriorityQueue.MaxPriority, "The priority in this class; with fixed-priority only, and required there"),
        ConfigField.Duration("limit", ClassReader.LeastNs, BvtParameters.MaxTimeNs, "Having run so long in the class it must stay out of it; required where the priority is above the domain's") with { With = "rest" },
        ConfigField.Duration("rest", ClassReader.LeastNs, BvtParameters.MaxTimeNs, "For so long") with { With = "limit" });

    public static readonly FieldTable Window = new(
        "window", "A part of the major frame in which one domain has the CPU.",
        ConfigField.OwnName("domain", "A domain of this pool; each has one window at least") with { Required = true },
        ConfigField.Duration("at", 0, EdfParameters.MaxPeriodNs - SystemFile.MinBudgetNs, "Where it begins, from the frame's start") with { Required = true },
        ConfigField.Duration("length", SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs, "How long it is; windows do not overlap and end within the frame") with { Required = true });

    public static readonly FieldTable Frame = new(
        "frame", "The time table of a pool of time partitions; it repeats for ever.",
        ConfigField.Duration("major", SystemFile.MinBudgetNs, EdfParameters.MaxPeriodNs, "How long it is") with { Required = true },
        ConfigField.List("windows", Window, "Which domain has the CPU when; what no window covers is idle") with { Required = true });

    public static readonly FieldTable Restart = new(
        "restart", "Whether and how a domain that ended starts again.",
        ConfigField.Choice("when", LifeReader.RestartWords, "After which ends it starts again") with { Required = true },
        ConfigField.Number("limit", 0, int.MaxValue, "How many restarts in a row there may be; 0 = any number") with { Default = "0" },
        ConfigField.Duration("backoff", LifeReader.LeastBackoffNs, LifeReader.LongestNs, "The wait before the first restart; it doubles with each in a row")
            with { Default = Quantity.FormatDuration(RestartConfig.DefaultBackoffNs) },
        ConfigField.Duration("longest", LifeReader.LeastBackoffNs, LifeReader.LongestNs, "The longest such wait")
            with { Default = Quantity.FormatDuration(RestartConfig.DefaultLongestNs) });

    public static readonly FieldTable Module = new(
        "module", "A file that a Multiboot kernel is handed.",
        ConfigField.Text("file", "Its path, absolute or from the system file's folder") with { Required = true },
        ConfigField.Text("append", "Words for it; the kernel finds them behind the file's name"));

    public static readonly FieldTable Disk = new(
        "disk", "A virtio disk.",
        ConfigField.Text("file", "The path of its image, absolute or from the system file's folder") with { Required = true },
        ConfigField.Choice("read_only", ConfigMap.Switches, "Whether the guest may only read it") with { Default = ConfigMap.Switches[1] },
        ConfigField.Choice("format", DiskRequest.Formats, "The image's format; without it what the file says itself"),
        ConfigField.Choice("cache", DiskRequest.Caches, "Whether the host's cache is used, or passed by") with { Default = DiskRequest.Caches[0] },
        ConfigField.Choice("bus", DiskRequest.Buses, "Whether the guest finds it on PCI, or in a window of registers that ACPI names") with { Default = DiskRequest.Buses[0] },
        ConfigField.Choice("snapshot", ConfigMap.Switches, "Whether what is written is forgotten at the end") with { Default = ConfigMap.Switches[1] },
        ConfigField.Text("serial", "The serial number the guest finds; 20 characters count"),
        ConfigField.Number("requests_per_second", 1, int.MaxValue, "How many requests it serves; what is more waits"),
        ConfigField.Size("bytes_per_second", 1, DeviceLimit.MostBytes, "How much it reads and writes; what is more waits"),
        ConfigField.Duration("burst", DeviceLimit.LeastBurstNs, DeviceLimit.MostBurstNs, "With a limit: so much time's worth may come at once, after a rest")
            with { Default = Quantity.FormatDuration(DeviceLimit.DefaultBurstNs) });

    public static readonly FieldTable Network = new(
        "network", "A virtio network card, and what it is connected to.",
        ConfigField.OwnName("name", "user: the host's networks, by sockets of its own; tap: an interface of the host; or the name of a network of this file") with { Required = true },
        ConfigField.Texts("forward", "With user: ports of the host that lead to the guest: tcp:2222-:22, a list of them"),
        ConfigField.Text("device", "With tap: the name of the interface, which must be there"),
        ConfigField.Text("mac", "Its address; without it one made of the domain's name"),
        ConfigField.Texts("address", "On a network of this file: the IP addresses it may send with, one or a list; without it any"),
        ConfigField.Size("bytes_per_second", 1, DeviceLimit.MostBytes, "With user and tap: how much it carries, each way by itself; what is more waits"),
        ConfigField.Duration("burst", DeviceLimit.LeastBurstNs, DeviceLimit.MostBurstNs, "With a limit: so much time's worth may come at once, after a rest")
            with { Default = Quantity.FormatDuration(DeviceLimit.DefaultBurstNs) });

    public static readonly FieldTable NetworkRule = new(
        "rule", "What may pass from one domain to another; answers may pass back.",
        ConfigField.OwnName("from", "The domain that sends, or any") with { Required = true },
        ConfigField.OwnName("to", "The domain that receives, or any") with { Required = true },
        ConfigField.Choice("protocol", Devices.NetworkRule.Protocols, "What it speaks of; any: every frame") with { Default = Devices.NetworkRule.Protocols[0] },
        ConfigField.Text("port", "With tcp and udp: the port they go to, or a range such as 6000-6010; of fragments, which do not say it, allow lets none pass and deny drops all"),
        ConfigField.Choice("action", Devices.NetworkRule.Actions, "What becomes of it") with { Default = Devices.NetworkRule.Actions[0] },
        ConfigField.Number("frames_per_second", 1, int.MaxValue, "How much of each sender's may pass; the rest is dropped"),
        ConfigField.Size("bytes_per_second", NetworkReader.LeastRate, NetworkReader.MostRate, "How much of each sender's may pass; the rest is dropped"));

    public static readonly FieldTable DomainNetwork = new(
        "domain_network", "A network between domains; what no rule lets pass is dropped.",
        ConfigField.OwnName("name", "The network's name, unique") with { Required = true },
        ConfigField.Number("mtu", NetworkRequest.LeastMtu, NetworkRequest.MostMtu, "The largest payload of a frame") with { Default = "1500" },
        ConfigField.List("rules", NetworkRule, "What may pass; the first rule that speaks of a frame decides"));

    public static readonly FieldTable Vsock = new(
        "vsock", "Virtio sockets: streams to the host and to other domains.",
        ConfigField.Number("cid", VsockRequest.LeastCid, VsockRequest.MostCid, "The guest's number, unique; the host is 2") with { Required = true },
        ConfigField.Text("path", "The path of a socket to be made, by which processes of the host connect to the guest; without it there is no way to the host"),
        ConfigField.Names("peers", "Domains with vsock that this one may connect to"));

    public static readonly FieldTable Share = new(
        "share", "A folder of the host that the guest mounts (virtiofs).",
        ConfigField.Text("folder", "The path of the folder, absolute or from the system file's folder") with { Required = true },
        ConfigField.Text("tag", "By what the guest mounts it; without it the folder's name"),
        ConfigField.Choice("read_only", ConfigMap.Switches, "Whether the guest may only read it") with { Default = ConfigMap.Switches[1] });

    public static readonly FieldTable Console = new(
        "console", "A virtio console; the guest finds /dev/hvc0.",
        ConfigField.Text("path", "The path of a socket to be made, by which a process of the host is at the console as well"),
        ConfigField.Text("size", "How large it is: COLUMNSxROWS"));

    public static readonly FieldTable Port = new(
        "port", "A stream of bytes between a process of the guest and one of the host.",
        ConfigField.Text("name", "Its name, unique in the domain; the guest finds /dev/virtio-ports/NAME") with { Required = true },
        ConfigField.Text("path", "The path of a socket to be made, to which a process of the host connects") with { Required = true });

    public static readonly FieldTable Domain = new(
        "domain", "One virtual machine.",
        ConfigField.OwnName("name", "The domain's name, unique; the prefix of its lines on the terminal") with { Required = true },
        ConfigField.Text("uuid", "The UUID the guest finds (SMBIOS); without it one made of the host and the names of system and domain"),
        ConfigField.OwnName("image", "A guest image by name, such as debian or debian-rt; either image, kernel or firmware"),
        ConfigField.Text("kernel", "The path of a kernel (Linux, Multiboot, or ELF with a PVH note), absolute or from the system file's folder; either image, kernel or firmware"),
        ConfigField.Text("firmware", "Firmware that starts what is on the first disk, or on the network: seabios, ovmf or the path of a file; also beside an image that has a disk"),
        ConfigField.Text("variables", "The file in which firmware keeps its variables; without it they are kept beside the disk that an image keeps, else forgotten at the end; only with firmware") with { With = "firmware" },
        ConfigField.Text("initrd", "The path of an initial RAM disk; only with kernel") with { With = "kernel" },
        ConfigField.List("modules", Module, "Files a Multiboot kernel is handed; only with kernel") with { With = "kernel" },
        ConfigField.Text("append", "Words added to the kernel's command line"),
        ConfigField.Size("memory", SystemFile.MinMemoryBytes, SystemFile.MaxMemoryBytes, "Guest RAM") with { Default = Quantity.FormatSize(SystemFile.DefaultMemoryBytes) },
        ConfigField.Number("vcpus", 1, SystemFile.MaxVcpus, "How many vCPUs it has") with { Default = "1" },
        ConfigField.Number("weight", 1, BvtParameters.MaxWeight, "The share of each vCPU against the others in its pool; only with bvt") with { Default = "1" },
        ConfigField.Map("warp", Warp, "How far its vCPUs may put themselves first on waking up; without it they never do; only with bvt"),
        ConfigField.Map("reservation", Reservation, "What each of its vCPUs gets in every period; only with edf and fixed-priority"),
        ConfigField.Number("priority", 0, FixedPriorityQueue.MaxPriority, "The priority of each vCPU, larger is more urgent; only with fixed-priority") with { Default = "0" },
        ConfigField.List("classes", Class, "What its vCPUs may be while the guest does something urgent, the most urgent first; only with bvt and fixed-priority"),
        ConfigField.Duration("latency", 1_000, BvtParameters.MaxTimeNs, "The longest wait from wake-up to dispatch that it can live with; a system that cannot keep it is refused"),
        ConfigField.Choice("snapshot", ConfigMap.Switches, "Whether what is written to an image's own disk is forgotten at the end; only with image") with { Default = ConfigMap.Switches[1], With = "image" },
        ConfigField.List("disks", Disk, "Its disks, in the order in which the guest finds them, those of each bus by themselves"),
        ConfigField.List("networks", Network, "Its network cards"),
        ConfigField.List("shares", Share, "Folders of the host that it has"),
        ConfigField.Map("console", Console, "A console (virtio) beside the serial port"),
        ConfigField.List("ports", Port, "Ports with names (virtio), each a stream of bytes to a process of the host"),
        ConfigField.Choice("rng", ConfigMap.Switches, "Whether it has a device (virtio) that gives random bytes") with { Default = ConfigMap.Switches[1] },
        ConfigField.Choice("balloon", ConfigMap.Switches, "Whether it has a device (virtio) that gives memory it has no use for back to the host") with { Default = ConfigMap.Switches[1] },
        ConfigField.Text("display", "The size of its display, such as 1024x768; it then has a keyboard as well; without it no display"),
        ConfigField.Map("vsock", Vsock, "Its sockets to the host and to other domains; what is not declared cannot be connected to"),
        ConfigField.OwnName("pool", "The pool its vCPUs run in; required where there are several"),
        ConfigField.Cpus("cpus", SystemReader.MaxCpu, "The CPUs of its pool that its vCPUs may be on, as the pool names them; without it they may be on all"),
        ConfigField.Choice("task", Tasks, "What an image does after boot; saturate writes over its disks, and what is on them is lost; only with image") with { Default = Tasks[0], With = "image" },
        ConfigField.ChoiceOrMap("restart", LifeReader.RestartWords, Restart, "When it starts again after it ended: a word, or a mapping with limits") with { Default = LifeReader.RestartWords[0] },
        ConfigField.Duration("watchdog", LifeReader.LeastWatchdogNs, LifeReader.LongestNs, "A vCPU that neither halts nor takes an interrupt for so long ends the domain"),
        ConfigField.Names("depends_on", "Domains that must be ready before it starts"),
        ConfigField.Text("ready", "Words the guest prints when it is ready"),
        ConfigField.Variables("environment", "Variables handed to an image's tasks"),
        ConfigField.Texts("expect", "What 'bulkhead test' expects of it, one or a list"))
    {
        ExactlyOne = [("image", null), ("kernel", null), ("firmware", "image")],
    };

    public static readonly FieldTable Pool = new(
        "pool", "A set of host CPUs with one scheduling policy.",
        ConfigField.OwnName("name", "The pool's name, unique") with { Required = true },
        ConfigField.Cpus("cpus", SystemReader.MaxCpu, "CPU numbers, ranges such as 0-3, and the word last: the last CPU the process may use") with { Required = true },
        ConfigField.Choice("policy", PolicyWords.All, "How each CPU is shared: by weight and warp (Borrowed Virtual Time), reservations, time partitions, priorities, or one vCPU each") with { Default = PolicyWords.All[0] },
        ConfigField.Duration("allowance", SystemReader.MinAllowanceNs, BvtQueue.MaxAllowanceNs, "How long the running vCPU keeps the CPU before an equal one takes over")
            with { Default = Quantity.FormatDuration(SystemFile.DefaultAllowanceNs) },
        ConfigField.Map("frame", Frame, "When which domain has the CPU; with arinc653 only, and required there"),
        ConfigField.Duration("spin", 0, SystemReader.MaxSpinNs, "How long an idle CPU spins before it sleeps: a wake-up that comes meanwhile is served at once")
            with { Default = Quantity.FormatDuration(SystemFile.DefaultSpinNs) },
        ConfigField.Choice("realtime", RealTimes, "Whether its vCPUs go before other processes of the host: auto, where that is permitted") with { Default = RealTimes[0] });

    public static readonly FieldTable Channel = new(
        "channel", "Memory that domains share, with doorbells between them.",
        ConfigField.OwnName("name", "The channel's name, unique") with { Required = true },
        ConfigField.Size("size", ChannelRequest.LeastBytes, ChannelRequest.MostBytes, "How much memory; a power of two") with { Default = Quantity.FormatSize(DeviceReader.DefaultChannelBytes) },
        ConfigField.Number("doorbells", 0, ChannelRequest.MostVectors, "How many doorbells each member has; 0 = memory alone") with { Default = "1" },
        ConfigField.Names("writers", "Domains that may write to it; their places in the list are their numbers, from 0") with { Required = true },
        ConfigField.Names("readers", "Domains that may read it and ring; their numbers follow those of the writers"));

    public static readonly FieldTable Top = new(
        "system", "A system of Bulkhead: pools of host CPUs, and the domains that run in them.",
        ConfigField.List("pools", Pool, "Sets of host CPUs with a schedule; without it there is one pool of the last CPU"),
        ConfigField.List("domains", Domain, "The virtual machines, the control domain first") with { Required = true },
        ConfigField.List("channels", Channel, "Memory that domains share; what is not declared cannot talk"),
        ConfigField.List("networks", DomainNetwork, "Networks between domains; what is not declared cannot talk"),
        ConfigField.Choice("clock", Clocks, "What time is made of: the host's, or what the guests execute, so that the system does the same every time") with { Default = Clocks[0] },
        ConfigField.Number("seed", 0, int.MaxValue, "What chance is drawn from; only with clock: virtual") with { Default = "1", With = "clock" });
}
