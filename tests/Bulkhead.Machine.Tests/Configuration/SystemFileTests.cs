using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class SystemFileTests
{
    private const string TwoPools = """
        pools:
          - { name: fast, cpus: [0, 2-3], allowance: 500us }
          - { name: slow, cpus: [last] }

        """;

    private static readonly string[] s_yaml =
    [
        "domains", "pools", "name", "cpus", "warp", "value", "memory", ": ", "\n", "  ", "- ", "[", "]", "{", "}",
        ", ", "a", "last", "0", "50ms", "\"", "&x ", "*x", "!t ", "? ", "| ", "domains: [{", "name: a, image: d, ", "#", "<<", "~", "\t", "\0", "\u00e9",
    ];

    [Fact]
    public void Load_Example_GivesBothDomains()
    {
        SystemConfig system = SystemFile.Load(Example());

        PoolConfig pool = Assert.Single(system.Pools);
        Assert.Equal(("shared", 1_000_000L), (pool.Name, pool.AllowanceNs));
        Assert.Equal(CpuSelector.LastAllowed, Assert.Single(pool.Cpus));
        DomainConfig control = system.Domains[0];
        DomainConfig infotainment = system.Domains[1];
        Assert.Equal(("control", "debian-rt", "cyclictest"), (control.Name, control.Image, control.Task));
        Assert.Equal(new WarpConfig(50_000_000, 100_000_000, 200_000_000), control.Warp);
        Assert.Equal(("infotainment", "debian", "burn"), (infotainment.Name, infotainment.Image, infotainment.Task));
        Assert.Equal(256UL << 20, infotainment.MemoryBytes);
        Assert.Null(infotainment.Warp);
    }

    [Fact]
    public void Parse_Uuid_IsTakenAndNoneWhereNoneIsGiven()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", "domains: [{name: a, image: d, uuid: 5C146B14-3C52-8AFD-938A-375D0DF1FBF6}, {name: b, image: d}]");

        Assert.Equal([new Guid("5c146b14-3c52-8afd-938a-375d0df1fbf6"), null], system.Domains.Select(static d => d.Uuid));
    }

    [Fact]
    public void Parse_OnlyWhatIsNeeded_TakesTheDefaults()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", "domains:\n  - name: a\n    image: debian\n");

        Assert.Equal(("default", 1_000_000L), (system.Pools[0].Name, system.Pools[0].AllowanceNs));
        Assert.Equal(CpuSelector.LastAllowed, Assert.Single(system.Pools[0].Cpus));
        Assert.Equal(
            new DomainConfig
            {
                Name = "a", Image = "debian", Append = "", MemoryBytes = 256UL << 20, Vcpus = 1, Weight = 1,
                Pool = "default", Task = "shell",
            },
            Assert.Single(system.Domains));
    }

    [Fact]
    public void Parse_Firmware_IsANameOrAPathFromTheFilesFolder()
    {
        DomainConfig[] domains = [.. SystemFile.Parse("/etc/b/s.yaml", "domains: [{name: a, firmware: seabios, disks: [{file: d}]}, {name: b, firmware: x/fw.bin, variables: v, disks: [{file: d}]}]").Domains];
        Assert.Equal(("/usr/share/seabios/bios-256k.bin", null), (domains[0].Firmware?.Path, domains[0].Firmware?.VariablesPath));
        Assert.Equal(("/etc/b/x/fw.bin", "/etc/b/v"), (domains[1].Firmware?.Path, domains[1].Firmware?.VariablesPath));
    }

    [Fact]
    public void Parse_KernelPaths_AreFromTheFilesFolder()
    {
        SystemConfig system = SystemFile.Parse(
            "/etc/b/s.yaml", "domains: [{name: a, kernel: boot/vmlinuz, initrd: /i, modules: [{file: m}, {file: /n, append: 'a,b'}], append: quiet x=1, memory: 100000001}]");

        DomainConfig domain = system.Domains[0];
        Assert.Equal(("/etc/b/boot/vmlinuz", "/i"), (domain.KernelPath, domain.InitrdPath));
        Assert.Equal([new ModuleRequest("/etc/b/m", ""), new ModuleRequest("/n", "a,b")], domain.Modules);
        Assert.Equal(("quiet x=1", null), (domain.Append, domain.Task));
        Assert.Equal(0UL, domain.MemoryBytes % 4096);
        Assert.InRange(domain.MemoryBytes, 100_000_001UL, 100_004_095UL);
    }

    [Fact]
    public void Parse_SeveralPools_AreReadInOrder()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", TwoPools + "domains: [{name: a, image: debian, pool: slow}]");

        Assert.Equal(["0", "2-3"], system.Pools[0].Cpus.Select(cpu => cpu.ToString()));
        Assert.Equal(500_000, system.Pools[0].AllowanceNs);
        Assert.Equal("slow", system.Domains[0].Pool);
    }

    // Line 1 is "domains:", line 2 the field under test: the column is that of the value, or of an unknown field's key.
    [Theory]
    [InlineData("wieght: 3", 5, "domains[0].wieght: is not a field; fields are name,", "did you mean weight?")]
    [InlineData("weight: 0", 13, "domains[0].weight: \"0\" does not fit; a whole number from 1 to 65535", "")]
    [InlineData("weight: two", 13, "domains[0].weight: \"two\" does not fit", "")]
    [InlineData("vcpus: 65", 12, "domains[0].vcpus: \"65\" does not fit; a whole number from 1 to 64", "")]
    [InlineData("memory: 512", 13, "domains[0].memory: \"512\" is too small; a size", "did you mean 512Mi?")]
    [InlineData("memory: 512mb", 13, "domains[0].memory: \"512mb\" is not a size; a size", "did you mean 512Mi?")]
    [InlineData("memory: 2Ti", 13, "domains[0].memory: \"2Ti\" is too large", "")]
    [InlineData("memory:", 12, "domains[0].memory: is empty; a size", "")]
    [InlineData("memory: [1]", 13, "domains[0].memory: is not a single value; a size", "")]
    [InlineData("task: brun", 11, "domains[0].task: \"brun\" is not known; one of shell, burn,", "did you mean burn?")]
    [InlineData("pool: defualt", 11, "domains[0].pool: \"defualt\" is not a pool of this file; one of default", "did you mean default?")]
    [InlineData("kernel: vmlinuz", 13, "domains[0].kernel: stands beside image; a domain has either", "")]
    [InlineData("modules: [{file: m}]", 14, "domains[0].modules: has no kernel; modules go with a Multiboot kernel", "")]
    [InlineData("initrd: i", 13, "domains[0].initrd: has no kernel; ", "")]
    [InlineData("variables: v", 16, "domains[0].variables: has no firmware; ", "")]
    [InlineData("task: \"a\\nb\"", 11, "domains[0].task: \"a?b\" is not known; ", "")]
    [InlineData("warp: 50ms", 11, "domains[0].warp: \"50ms\" is not a mapping", "did you mean { value: 50ms }?")]
    [InlineData("warp: {value: 50}", 19, "domains[0].warp.value: \"50\" is not a time; a time", "did you mean 50ms?")]
    [InlineData("warp: {value: 50msec}", 19, "domains[0].warp.value: \"50msec\" is not a time", "did you mean 50ms?")]
    [InlineData("warp: {value: 2h}", 19, "domains[0].warp.value: \"2h\" is too long", "")]
    [InlineData("warp: {limt: 1ms, value: 1ms}", 12, "domains[0].warp.limt: is not a field; ", "did you mean limit?")]
    [InlineData("warp: {limit: 1ms}", 11, "domains[0].warp.value: is missing; a time", "")]
    [InlineData("warp: {value: 1ms, unwarp: 1ms}", 32, "domains[0].warp.unwarp: has no limit; ", "")]
    public void Parse_WrongField_SaysWhereAndWhat(string field, int column, string start, string hint)
    {
        string message = Fails($"domains:\n  - {field}\n    name: a\n    image: debian\n");

        Assert.StartsWith($"s.yaml:2:{column}: {start}", message, StringComparison.Ordinal);
        Assert.EndsWith(hint, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("cpus: [0]", "s.yaml:2:5: pools[0].name: is missing")]
    [InlineData("name: p", "s.yaml:2:5: pools[0].cpus: is missing; a list, each entry a CPU number")]
    [InlineData("{name: p, cpus: 3}", "s.yaml:2:21: pools[0].cpus: is not a list")]
    [InlineData("{name: p, cpus: []}", "s.yaml:2:21: pools[0].cpus: is empty")]
    [InlineData("{name: p, cpus: [lsat]}", "s.yaml:2:22: pools[0].cpus[0]: \"lsat\" is not a CPU; a CPU number, a range such as 0-3, or the word last; did you mean last?")]
    [InlineData("{name: p, cpus: [3-1]}", "s.yaml:2:22: pools[0].cpus[0]: \"3-1\" is not a CPU")]
    [InlineData("{name: p, cpus: [-1]}", "s.yaml:2:22: pools[0].cpus[0]: \"-1\" is not a CPU")]
    [InlineData("{name: p, cpus: [1-2-3]}", "s.yaml:2:22: pools[0].cpus[0]: \"1-2-3\" is not a CPU")]
    [InlineData("{name: p, cpus: [0-3, 2]}", "s.yaml:2:27: pools[0].cpus[1]: 2 is taken already; ")]
    [InlineData("{name: p, cpus: [0], policy: bvd}", "s.yaml:2:34: pools[0].policy: \"bvd\" is not known; one of bvt, edf, arinc653, fixed-priority, null; did you mean bvt?")]
    [InlineData("{name: p, cpus: [0], allowance: 1us}", "s.yaml:2:37: pools[0].allowance: \"1us\" is too short; a time such as 500us, 50ms or 1.5s (ns, us, ms, s, m, h), from 10us to 1s")]
    [InlineData("{name: P, cpus: [0]}", "s.yaml:2:12: pools[0].name: \"P\" is not a name; ")]
    public void Parse_WrongPool_SaysWhereAndWhat(string pool, string start) =>
        Assert.StartsWith(
            start,
            Fails($"pools:\n  - {pool}\ndomains:\n  - name: a\n    image: debian\n"),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("", "s.yaml:1:1: is empty; ")]
    [InlineData("# nothing\n", "s.yaml:1:1: is empty; ")]
    [InlineData("- 1", "s.yaml:1:1: is not a mapping of fields; fields are pools, domains")]
    [InlineData("domans: []", "s.yaml:1:1: domans: is not a field; fields are pools, domains, channels, networks, clock, seed; did you mean domains?\ns.yaml:1:1: domains: is missing; ")]
    [InlineData("domains: []", "s.yaml:1:10: domains: is empty; a list of at least one domain")]
    [InlineData("domains: [a]", "s.yaml:1:11: domains[0]: is not a mapping of fields; ")]
    [InlineData("domains: [{image: debian}]", "s.yaml:1:11: domains[0].name: is missing; ")]
    [InlineData("domains: [{name: a}]", "s.yaml:1:11: domains[0].image: is missing, and so are kernel and firmware; ")]
    [InlineData("domains: [{name: a, kernel: k, task: burn}]", "s.yaml:1:38: domains[0].task: has no image; ")]
    [InlineData("domains: [{name: a, kernel: k, firmware: ovmf}]", "s.yaml:1:29: domains[0].kernel: stands beside firmware; a domain has either")]
    [InlineData("domains: [{name: a, firmware: ovmf, disks: [{file: d, bus: mmio}]}]", "s.yaml:1:31: domains[0].firmware: has no disk to start: those with bus: mmio are for kernels; ")]
    [InlineData("domains: [{name: a, image: d, uuid: 1}]", "s.yaml:1:37: domains[0].uuid: \"1\" is not a UUID; a UUID such as ")]
    [InlineData("domains: [{name: a, image: d, uuid: 00000000-0000-0000-0000-000000000000}]", "s.yaml:1:37: domains[0].uuid: \"00000000-0000-0000-0000-000000000000\" is not a UUID; ")]
    [InlineData("domains:\n- {name: a, image: d, uuid: 5c146b14-3c52-8afd-938a-375d0df1fbf6}\n- {name: b, image: d, uuid: 5C146B14-3C52-8AFD-938A-375D0DF1FBF6}", "s.yaml:3:29: domains[1].uuid: 5c146b14-3c52-8afd-938a-375d0df1fbf6 is another domain's; ")]
    [InlineData("domains: [{name: a, firmware: ovmf, append: quiet, disks: [{file: d}]}]", "s.yaml:1:45: domains[0].append: stands beside firmware; ")]
    [InlineData("domains: [{name: a, kernel: k, snapshot: true}]", "s.yaml:1:42: domains[0].snapshot: has no image; ")]
    [InlineData("domains:\n- {name: a, image: d}\n- {name: a, image: d}", "s.yaml:3:10: domains[1].name: \"a\" is the name of an earlier domain; ")]
    [InlineData("domains: [{name: a", "s.yaml:2:1: is not YAML: ")]
    [InlineData("domains:\n\t- name: a", "s.yaml:2:1: is not YAML: a tab in the indentation; ")]
    [InlineData("domains: [{name: a, name: b, image: d}]", "s.yaml:1:21: is not YAML: ")]
    [InlineData("domains: [{name: a, image: d}]\n---\ndomains: []", "s.yaml:3:1: has a second document; ")]
    [InlineData("&a {*a : 1, *a : 2}", "s.yaml:1:5: is not YAML: ")]
    [InlineData("&a [{*a : 1, *a : 2}]", "s.yaml:1:6: is not YAML: ")]
    [InlineData("{*b : 1, *b : 2, c: &b d}", "s.yaml:1:2: is not YAML: ")]
    public void Parse_WrongFile_SaysWhereAndWhat(string text, string start) =>
        Assert.StartsWith(start, Fails(text), StringComparison.Ordinal);

    [Fact]
    public void Parse_SeveralPoolsAndNoneNamed_IsAnError() =>
        Assert.StartsWith(
            "s.yaml:4:11: domains[0].pool: is missing, and there are several pools; one of fast, slow",
            Fails(TwoPools + "domains: [{name: a, image: debian}]"),
            StringComparison.Ordinal);

    [Fact]
    public void Parse_SeveralErrors_AreAllInOneMessageInOrder()
    {
        string message = Fails("domains:\n  - name: a\n    image: debian\n    weight: x\n    memory: 1\n    foo: 1\n");

        Assert.Equal(
            ["s.yaml:4:13", "s.yaml:5:13", "s.yaml:6:5"],
            message.Split('\n').Select(line => line[..line.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Fact]
    public void Parse_AnyText_LoadsOrReportsWithPlaces() =>
        Gen.Int[0, s_yaml.Length - 1].Select(i => s_yaml[i])
            .Array[0, 25]
            .Sample(
                parts =>
                {
                    try
                    {
                        SystemFile.Parse("s.yaml", string.Concat(parts));
                    }
                    catch (OperatorException e)
                    {
                        Assert.All(e.Message.Split('\n'), line => Assert.Matches(@"^s\.yaml:[1-9]\d*:[1-9]\d*: ", line));
                    }
                },
                iter: 20_000,
                threads: 1);

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void Parse_DeepNesting_IsRefusedWhereItBecomesTooDeep(string level)
    {
        string message = Fails(string.Concat(Enumerable.Repeat(level, 1_000_000)));

        Assert.Equal($"s.yaml:1:{(64 * level.Length) + 1}: nests more than 64 lists and mappings; a system file is one YAML mapping with domains and, if wanted, pools", message);
    }

    [Fact]
    public void Load_NoSuchFile_IsAUsageError()
    {
        var e = Assert.Throws<OperatorException>(() => SystemFile.Load("/nonexistent/s.yaml"));

        Assert.Equal(2, e.ExitCode);
        Assert.StartsWith("/nonexistent/s.yaml: cannot be read: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ResolveCpus_WordAndNumbers_GivesHostCpus() =>
        Assert.Equal([1, 2, 7], Pool(new CpuSelector(1, 2), CpuSelector.LastAllowed).ResolveCpus([0, 1, 2, 7]));

    [Fact]
    public void ResolveCpus_NotAllowedOrTwice_IsAUsageError()
    {
        Assert.Contains("CPU 3 is not among", Refused(new CpuSelector(3, 3)), StringComparison.Ordinal);
        Assert.Contains("stands twice", Refused(new CpuSelector(1, 1), CpuSelector.LastAllowed), StringComparison.Ordinal);

        static string Refused(params CpuSelector[] cpus) =>
            Assert.Throws<OperatorException>(() => Pool(cpus).ResolveCpus([0, 1])).Message;
    }

    private static PoolConfig Pool(params CpuSelector[] cpus) => new("p", cpus, SchedulingPolicy.Bvt, 1_000_000);

    private static string Fails(string text)
    {
        var e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", text));
        Assert.Equal(2, e.ExitCode);
        return e.Message;
    }

    internal static string Example()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Bulkhead.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        Assert.NotNull(folder);
        return Path.Combine(folder, "examples", "mixed-criticality.yaml");
    }
}
