using Bulkhead.Core;
using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Smbios;
using Bulkhead.Scheduling;
using Bulkhead.Yaml;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Turns the nodes of a system file into a <see cref="SystemConfig"/>, noting errors on the way.</summary>
internal sealed class SystemReader(ConfigErrors errors, string file, HostReader host)
{
    internal const int MaxCpu = 4095;
    internal const long MaxSpinNs = 1_000_000_000;
    internal const long MinAllowanceNs = 10_000;
    private const ulong PageBytes = 4096;
    internal const string NameForm = "lower-case letters, digits and hyphens, a letter first, at most 32";
    private const string CpuForm = "a CPU number, a range such as 0-3, or the word last";

    // Every name that was given, also of pools that have other errors: a domain in one of them is not wrong as well.
    private readonly HashSet<string> _poolNames = [];
    private readonly HashSet<string> _domainNames = [];
    private readonly HashSet<Guid> _uuids = [];
    private readonly List<PoolConfig> _pools = [];
    private readonly LifeReader _lives = new(errors);
    private readonly NetworkReader _networks = new(errors);
    private readonly VsockReader _vsocks = new(errors, host);
    private readonly ShareReader _shares = new(errors, host);
    private readonly ConsoleReader _consoles = new(errors, host);
    private readonly List<CpuSelector> _cpus = [];
    private readonly ScheduleReader _schedule = new(errors, file);

    public SystemConfig? Read(YamlNode root)
    {
        ConfigMap? map = ConfigMap.Open(errors, root, "", SystemFields.Top.Names);
        if (map is null)
        {
            return null;
        }

        _networks.ReadNames(map);
        foreach ((YamlNode node, string path) in map.List("pools", "a list of pools"))
        {
            _pools.Add(ReadPool(node, path));
        }

        if (!map.Has("pools"))
        {
            _poolNames.Add(SystemFile.DefaultPool);
            _pools.Add(new PoolConfig(
                SystemFile.DefaultPool, [CpuSelector.LastAllowed], SchedulingPolicy.Bvt, SystemFile.DefaultAllowanceNs));
        }

        map.Require("domains", "a list of at least one domain");

        List<DomainConfig> domains = [];
        foreach ((YamlNode node, string path) in map.List("domains", "a list of at least one domain"))
        {
            domains.Add(ReadDomain(node, path));
        }

        _schedule.CheckFrames();
        _lives.CheckDependencies(domains);
        _vsocks.CheckPeers(domains);
        IReadOnlyList<ChannelRequest> channels = Devices.ReadChannels(map, [.. domains.Select(static d => d.Name)]);
        _schedule.CheckDoorbells(channels);
        return new SystemConfig(file, _pools, domains)
        {
            Channels = channels,
            Networks = _networks.ReadRules(),
            Clock = ReadClock(map),
            Seed = map.Number("seed", 1, 0, int.MaxValue),
        };
    }

    private DeviceReader Devices => field ??= new DeviceReader(errors, host, _networks, _vsocks, _shares, _consoles);

    private SystemClock ReadClock(ConfigMap map)
    {
        bool isVirtual = map.Choice("clock", SystemFields.Clocks) == SystemFields.Clocks[1];
        if (isVirtual)
        {
            _lives.RefuseHostTime();
            _networks.RefuseHostTime();
            _vsocks.RefuseHostTime();
            _shares.RefuseHostTime();
            _consoles.RefuseHostTime();
        }

        if (map.Has("seed") && !isVirtual)
        {
            map.Error("seed", "has no virtual clock", "seed goes with clock: virtual; in real time chance is the host's");
        }

        return isVirtual ? SystemClock.Virtual : SystemClock.Real;
    }

    private PoolConfig ReadPool(YamlNode node, string path)
    {
        ConfigMap? map = ConfigMap.Open(errors, node, path, SystemFields.Pool.Names);
        if (map is null)
        {
            return new PoolConfig("", [], SchedulingPolicy.Bvt, SystemFile.DefaultAllowanceNs);
        }

        string name = ReadName(map, _poolNames, "pool");
        List<CpuSelector> cpus = [];
        map.Require("cpus", $"a list, each entry {CpuForm}");

        foreach ((YamlNode item, string itemPath) in map.List("cpus", $"a list, each entry {CpuForm}"))
        {
            if (ReadCpu(item, itemPath) is { } cpu)
            {
                cpus.Add(cpu);
            }
        }

        long allowance = map.Duration(
            "allowance", SystemFile.DefaultAllowanceNs, MinAllowanceNs, BvtQueue.MaxAllowanceNs);
        bool realTime = map.Choice("realtime", SystemFields.RealTimes) != SystemFields.RealTimes[1];
        long spin = map.Duration("spin", SystemFile.DefaultSpinNs, 0, MaxSpinNs);
        return _schedule.Complete(new PoolConfig(name, cpus, SchedulingPolicy.Bvt, allowance, realTime) { SpinNs = spin }, map, path);
    }

    private CpuSelector? ReadCpu(YamlNode node, string path)
    {
        string text = (node as YamlScalarNode)?.Value ?? "";
        if (!TryCpu(text, out CpuSelector cpu))
        {
            errors.Add(node.Start, path, $"\"{text}\" is not a CPU", CpuForm, NearestName.Find(text, ["last"]));
            return null;
        }

        if (_cpus.Exists(other => other.Overlaps(cpu)))
        {
            errors.Add(node.Start, path, $"{cpu} is taken already", "a CPU belongs to one pool, once");
        }

        _cpus.Add(cpu);
        return cpu;
    }

    private static bool TryCpu(string text, out CpuSelector cpu)
    {
        cpu = CpuSelector.LastAllowed;
        if (text == "last")
        {
            return true;
        }

        string[] ends = text.Split('-');
        bool ok = TryNumber(ends[0], out int first) & TryNumber(ends[^1], out int last);
        cpu = new CpuSelector(first, last);
        return ok && ends.Length <= 2 && first <= last;
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= MaxCpu;

    private DomainConfig ReadDomain(YamlNode node, string path)
    {
        ConfigMap? map = ConfigMap.Open(errors, node, path, SystemFields.Domain.Names);
        if (map is null)
        {
            return new DomainConfig { Name = "", Pool = "" };
        }

        CheckSource(map);
        string? image = host.Image(map);
        ulong memory = map.Size("memory", SystemFile.DefaultMemoryBytes, SystemFile.MinMemoryBytes, SystemFile.MaxMemoryBytes);
        var domain = new DomainConfig
        {
            Name = ReadName(map, _domainNames, "domain"),
            Uuid = ReadUuid(map),
            Image = image,
            Snapshot = map.Switch("snapshot", false),
            KernelPath = host.File(map, "kernel"),
            InitrdPath = host.File(map, "initrd"),
            Modules = map.List("modules", "a list of files for a Multiboot kernel").Select(item => ReadModule(item.Node, item.Path)).OfType<ModuleRequest>().ToArray(),
            Firmware = host.Firmware(map),
            Append = map.Text("append", "words for the kernel's command line") ?? "",
            MemoryBytes = (memory + PageBytes - 1) & ~(PageBytes - 1),
            Vcpus = map.Number("vcpus", 1, 1, SystemFile.MaxVcpus),
            Weight = map.Number("weight", 1, 1, BvtParameters.MaxWeight),
            Warp = map.Find("warp") is { } warp ? ReadWarp(warp, $"{path}.warp") : null,
            Latency = ReadLatency(map),
            Pool = ReadPoolOf(map),
            Task = map.Choice("task", SystemFields.Tasks) ?? (image is null ? null : SystemFields.Tasks[0]),
        };
        domain = domain with { Cpus = ReadCpusOf(map, domain.Pool) };
        domain = Devices.Read(map, _lives.Read(map, _schedule.Complete(domain, map, path), path), path);
        if (domain is { Firmware: not null, Image: null } && DiskRequest.AreForKernels(domain.Disks))
        {
            map.Error("firmware", "has no disk to start: those with bus: mmio are for kernels", "give it a disk with bus: pci");
        }

        return domain;
    }

    // Of a pool that has errors of its own nothing more is said.
    private int[] ReadCpusOf(ConfigMap map, string poolName)
    {
        List<int> numbers = [];
        PoolConfig? pool = _pools.Find(p => p.Name == poolName && p.Cpus.Count > 0);
        string accepted = pool is null ? CpuForm : $"CPUs of pool {pool.Name}: {string.Join(", ", pool.Cpus)}";
        foreach ((YamlNode item, string path) in map.List("cpus", $"a list of {accepted}"))
        {
            string text = (item as YamlScalarNode)?.Value ?? "";
            if (!TryCpu(text, out CpuSelector cpu))
            {
                errors.Add(item.Start, path, $"\"{text}\" is not a CPU", CpuForm, NearestName.Find(text, ["last"]));
            }
            else if (pool?.NumbersOf(cpu) is { } some)
            {
                numbers.AddRange(some.Except(numbers));
            }
            else if (pool is not null)
            {
                errors.Add(item.Start, path, $"{cpu} is not in the domain's pool", accepted);
            }
        }

        return numbers.Count == 0 ? [] : [.. numbers];
    }

    private Guid? ReadUuid(ConfigMap map)
    {
        if (map.Text("uuid", DomainUuid.Form) is not { } text)
        {
            return null;
        }

        if (!DomainUuid.TryParse(text, out Guid uuid))
        {
            map.Error("uuid", $"\"{text}\" is not a UUID", DomainUuid.Form);
        }
        else if (!_uuids.Add(uuid))
        {
            map.Error("uuid", $"{uuid} is another domain's", "a UUID that no other domain has; without one it is made of its name");
        }

        return uuid;
    }

    private static void CheckSource(ConfigMap map)
    {
        const string one = "a domain has either image, kernel or firmware; firmware may stand beside image as well";
        bool image = map.Has("image");
        bool kernel = map.Has("kernel");
        bool firmware = map.Has("firmware");
        if (kernel && (image || firmware))
        {
            map.Error("kernel", $"stands beside {(image ? "image" : "firmware")}", one);
        }
        else if (!image && !kernel && !firmware)
        {
            map.Error("image", "is missing, and so are kernel and firmware", one);
        }

        if (map.Has("initrd") && !kernel)
        {
            map.Error("initrd", "has no kernel", "initrd goes with kernel; an image brings its own");
        }

        if (map.Has("modules") && !kernel)
        {
            map.Error("modules", "has no kernel", "modules go with a Multiboot kernel");
        }

        if (map.Has("variables") && !firmware)
        {
            map.Error("variables", "has no firmware", "variables go with firmware");
        }

        if (firmware && map.Has("append"))
        {
            map.Error("append", "stands beside firmware", "the kernel's command line is on the disk");
        }

        if (map.Has("task") && !image)
        {
            map.Error("task", "has no image", "task goes with image; with kernel, use append");
        }

        if (map.Has("snapshot") && !image)
        {
            map.Error("snapshot", "has no image", "snapshot goes with image; with kernel, set it for each of disks");
        }
    }

    private ModuleRequest? ReadModule(YamlNode node, string path)
    {
        if (ConfigMap.Open(errors, node, path, SystemFields.Module.Names) is not { } map)
        {
            return null;
        }

        map.Require("file", "the path of a module, absolute or from the system file's folder");
        return host.File(map, "file") is { } file ? new ModuleRequest(file, map.Text("append", "words for the module") ?? string.Empty) : null;
    }

    private WarpConfig? ReadWarp(YamlNode node, string path)
    {
        if (node is YamlScalarNode { Value: { } text })
        {
            string meant = Quantity.TryParseDuration(text, out _) ? text : "50ms";
            errors.Add(node.Start, path, $"\"{text}\" is not a mapping of fields", "fields are value, limit, unwarp", $"{{ value: {meant} }}");
            return null;
        }

        ConfigMap? map = ConfigMap.Open(errors, node, path, SystemFields.Warp.Names);
        if (map is null)
        {
            return null;
        }

        map.Require("value", "a time such as 50ms; leave warp out for a domain that never warps");

        if (map.Has("unwarp") && !map.Has("limit"))
        {
            map.Error("unwarp", "has no limit", "unwarp is how long a vCPU that ran warped for limit stays unwarped");
        }

        return new WarpConfig(
            map.Duration("value", 0, 1_000, BvtParameters.MaxTimeNs),
            map.Duration("limit", 0, 0, BvtParameters.MaxTimeNs),
            map.Duration("unwarp", 0, 0, BvtParameters.MaxTimeNs));
    }

    private LatencyNeed? ReadLatency(ConfigMap map)
    {
        long ns = map.Duration("latency", 0, 1_000, BvtParameters.MaxTimeNs);
        return map.Find("latency") is { } node ? new LatencyNeed(ns, $"{file}:{node.Start.Line}:{node.Start.Column}") : null;
    }

    private string ReadPoolOf(ConfigMap map)
    {
        string accepted = $"one of {string.Join(", ", _poolNames)}";
        string? pool = map.Text("pool", accepted);
        if (pool is not null)
        {
            if (!_poolNames.Contains(pool))
            {
                map.Error("pool", $"\"{pool}\" is not a pool of this file", accepted, NearestName.Find(pool, _poolNames));
            }

            return pool;
        }

        if (!map.Has("pool") && _poolNames.Count > 1)
        {
            map.Error("pool", "is missing, and there are several pools", accepted);
        }

        return _poolNames.FirstOrDefault("");
    }

    private static string ReadName(ConfigMap map, HashSet<string> taken, string kind)
    {
        map.Require("name", $"a name: {NameForm}");

        string name = map.Name("name", $"a name: {NameForm}") ?? "";
        if (name.Length != 0 && !taken.Add(name))
        {
            map.Error("name", $"\"{name}\" is the name of an earlier {kind}", $"each {kind} has a name of its own");
        }

        return name;
    }
}
