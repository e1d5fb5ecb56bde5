using Bulkhead.Cli.Commands;
using Bulkhead.Cli.Machines;
using Bulkhead.Host;
using Bulkhead.Machine;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Smbios;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class CommandLineTests
{
    // Any file that is there will do for a kernel.
    private static readonly string s_file = typeof(CommandLineTests).Assembly.Location;

    [Fact]
    public void RunHelp_ListsEveryExitCode()
    {
        string list = RunCommand.Notes[RunCommand.Notes.IndexOf("Exit codes:", StringComparison.Ordinal)..];

        Assert.All(
            typeof(ExitCodes).GetFields().Select(static f => f.GetRawConstantValue()),
            code => Assert.Matches($@"[\s]{code} \w", list));
    }

    [Fact]
    public void Run_KernelOnly_HasTheDefaults()
    {
        var host = new RecordingHost();

        Assert.Equal(7, Invoke(host, out _, "run", "--kernel", s_file));
        Assert.Equal(
            new RunRequest
            {
                Guest = new DomainRequest { Name = "guest", KernelPath = s_file, MemoryBytes = 512UL << 20 },
                Engine = EngineChoice.Auto,
                Clock = ClockChoice.Real,
                EngineOptions = string.Empty,
                Serial = new SerialTarget(SerialKind.Stdio, string.Empty),
                TimeoutNs = null,
                Stats = false,
                ProfilePath = null,
                TracePath = null,
            },
            host.Asked);
    }

    [Fact]
    public void Run_EveryOption_IsPassedOn()
    {
        var host = new RecordingHost();

        _ = Invoke(
            host, out _, "run", "--kernel", s_file, "--initrd", s_file, "--append", "quiet a=b", "--memory", "1G", "--cpus", "2", "--cpu", "x86-64-v2",
            "--engine", "translator", "--clock", "instructions", "--serial", "file:/tmp/out", "--timeout", "2m", "--debug-exit", "--stats", "--profile", "/tmp/profile",
            "--trace", "/tmp/trace");

        Assert.Equal(
            new RunRequest
            {
                Guest = new DomainRequest
                {
                    Name = "guest",
                    KernelPath = s_file,
                    InitrdPath = s_file,
                    CommandLine = "quiet a=b",
                    MemoryBytes = 1UL << 30,
                    Vcpus = 2,
                    CpuModel = "x86-64-v2",
                    DebugExit = true,
                },
                Engine = EngineChoice.Translator,
                Clock = ClockChoice.Instructions,
                EngineOptions = string.Empty,
                Serial = new SerialTarget(SerialKind.File, "/tmp/out"),
                TimeoutNs = 120_000_000_000,
                Stats = true,
                ProfilePath = "/tmp/profile",
                TracePath = "/tmp/trace",
            },
            host.Asked);
    }

    [Fact]
    public void Run_Firmware_IsPassedOnWithoutAKernel()
    {
        var host = new RecordingHost();

        Assert.Equal(7, Invoke(host, out _, "run", "--firmware", $"{s_file},log=/tmp/said", "--disk", s_file));
        Assert.Equal((s_file, "/tmp/said", null), (host.Asked?.Guest.Firmware?.Path, host.Asked?.Guest.Firmware?.LogPath, host.Asked?.Guest.KernelPath));
    }

    [Fact]
    public void Run_FirmwareWithoutADisk_IsPassedOn()
    {
        var host = new RecordingHost();

        Assert.Equal(7, Invoke(host, out _, "run", "--firmware", s_file));
        Assert.Equal((s_file, 0), (host.Asked?.Guest.Firmware?.Path, host.Asked?.Guest.Disks.Count));
    }

    [Theory]
    [InlineData("--uuid 5c146b14-3c52-8afd-938a-375d0df1fbf6", "5c146b14-3c52-8afd-938a-375d0df1fbf6")]
    [InlineData("--clock real", null)]
    [InlineData("--clock instructions", null)]
    public void Run_Identity_IsWhatWasSaidOrMadeOfTheName(string options, string? expected)
    {
        var host = new RecordingHost();
        string name = UpCommand.NameOf(s_file);
        Guid made = options.EndsWith("real", StringComparison.Ordinal) ? DomainUuid.OfHere(name) : DomainUuid.Of(name);

        _ = Invoke(host, out _, ["run", "--firmware", s_file, "--disk", s_file, .. options.Split(' ')]);
        Assert.Equal(expected is null ? made : Guid.Parse(expected), host.Asked?.Guest.Uuid);
    }

    [Fact]
    public void Run_FoldersConsoleAndPorts_ArePassedOn()
    {
        var host = new RecordingHost();

        _ = Invoke(
            host, out _, "run", "--kernel", s_file, "--share", "/tmp", "--share", "/usr,tag=u,ro", "--console", "/tmp/c,size=90x20", "--port", "a,uds=/tmp/a", "--port", "b,uds=/tmp/b");

        DomainRequest asked = Assert.IsType<RunRequest>(host.Asked).Guest;
        Assert.Equal([new ShareRequest("/tmp", "tmp", false), new ShareRequest("/usr", "u", true)], asked.Shares);
        Assert.Equal(new ConsoleRequest("/tmp/c", 90, 20), asked.Console);
        Assert.Equal([new PortRequest("a", "/tmp/a"), new PortRequest("b", "/tmp/b")], asked.Ports);
    }

    [Theory]
    [InlineData("--share /no/such", "--share /no/such: /no/such: there is no such folder; give the path of one.")]
    [InlineData("--uuid 1", "--uuid 1: not understood; write a UUID such as 5c146b14-3c52-8afd-938a-375d0df1fbf6")]
    [InlineData("--port a", "--port a: a: it leads nowhere")]
    [InlineData("--display 10x10", "--display 10x10: is not a size of a display; write WIDTHxHEIGHT")]
    [InlineData("--screenshot /tmp/x.png", "--screenshot: there is no display to be seen; give --display as well.")]
    [InlineData("--name box", "--name: goes with an image or OVA, whose disk it names; leave it out.")]
    [InlineData("--snapshot", "--snapshot: goes with an image or file; of other disks, write --disk FILE,snapshot.")]
    [InlineData("--update", "--update: goes with an image that is made of packages; leave it out.")]
    [InlineData("--memory 15M", "--memory 15M: 15Mi is too little to boot; give at least 16Mi, as in --memory 512M.")]
    [InlineData("--module /no/such", "--module /no/such: /no/such: there is no such file")]
    [InlineData("--memory 5x", "--memory 5x: not understood")]
    [InlineData("--memory 512", "--memory 512: 512 bytes are too little")]
    [InlineData("--cpus 0", "--cpus 0: not understood; write a number from 1 to")]
    [InlineData("--cpu pentium", "--cpu pentium: not understood; write one of host, x86-64-v2, x86-64-v3")]
    [InlineData("--timeout 60", "--timeout 60: not understood")]
    [InlineData("--serial tcp:1", "--serial tcp:1: not understood; write stdio, none, file:PATH or unix:PATH")]
    [InlineData("--initrd /usr", "--initrd /usr: that is a folder")]
    [InlineData("--initrd /no/such/file", "--initrd /no/such/file: there is no such file")]
    [InlineData("--tmieout 60s", "did you mean --timeout?")]
    [InlineData("--memory", "--memory")]
    public void Run_WrongOption_NamesItAndTheFix(string options, string expected)
    {
        var host = new RecordingHost();

        Assert.Equal(2, Invoke(host, out string errors, ["run", "--kernel", s_file, .. options.Split(' ')]));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.Null(host.Asked);
    }

    [Theory]
    [InlineData("run", "Nothing to run")]
    [InlineData("run --stat", "--stat: there is no such option; did you mean --stats?")]
    [InlineData("run debian --stat", "--stat: there is no such option; did you mean --stats?")]
    [InlineData("run debain", "Did you mean 'debian'?")]
    [InlineData("run debian --kernel /etc/passwd", "give either IMAGE or --kernel")]
    [InlineData("run /no/such.img", "/no/such.img: there is no such file, nor is there an image of that name.")]
    [InlineData("run /proc/self/exe", "/proc/self/exe is a kernel, not a disk; use --kernel /proc/self/exe.")]
    [InlineData("run /etc/passwd --append quiet", "--append: the kernel's command line is on /etc/passwd; leave it out, or give --kernel.")]
    [InlineData("run --kernel /etc/passwd --firmware /etc/passwd", "give either --firmware or --kernel")]
    [InlineData("run --firmware /no/such --disk /etc/passwd", "--firmware /no/such: /no/such: there is no such file; give the path of a firmware, or one of seabios, ovmf.")]
    [InlineData("run --firmware seabios,loud --disk /etc/passwd", "'loud' is not known here; known are vars=, log=.")]
    [InlineData("run --firmware /etc/passwd --disk /etc/passwd --module /etc/passwd", "Firmware finds kernel, initrd, modules and command line on a disk")]
    [InlineData("run debian --name box", "--name: debian has no disk that could be kept; leave it out.")]
    [InlineData("run debian-full --name box --snapshot", "--name: nothing is kept with --snapshot; give one of them.")]
    [InlineData("run /etc/passwd --name box", "--name: /etc/passwd is no package of a machine, and its guest writes to it; leave it out.")]
    [InlineData("run /etc/passwd --update", "--update: /etc/passwd is made of no packages; leave it out.")]
    [InlineData("rnu", "did you mean run?")]
    [InlineData("up /no/such/file", "/no/such/file: there is no such file")]
    public void Invoke_WrongUse_SaysSo(string arguments, string expected)
    {
        Assert.Equal(2, Invoke(new RecordingHost(), out string errors, arguments.Split(' ')));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Up_EveryOption_IsPassedOn()
    {
        var host = new RecordingHost();

        Assert.Equal(8, Invoke(host, out _, "up", s_file, "--duration", "30s", "--stats", "--name", "box", "--grace", "2s", "--json"));
        UpRequest up = Assert.IsType<UpRequest>(host.AskedUp);
        Assert.Equal((s_file, "box", 30_000_000_000L, true), (up.SystemPath, up.Name, up.DurationNs, up.Stats));
        Assert.Equal((2_000_000_000L, ViewChoice.Json, null), (up.GraceNs, up.View, up.TimeoutNs));
    }

    [Fact]
    public void Test_EveryOption_IsPassedOn()
    {
        var host = new RecordingHost();

        Assert.Equal(8, Invoke(host, out _, "test", s_file, "--duration", "3s", "--timeout", "9s", "--junit", "/r.xml", "--verbose"));
        UpRequest up = Assert.IsType<UpRequest>(host.AskedUp);
        Assert.Equal((s_file, 3_000_000_000L, 9_000_000_000L, "/r.xml"), (up.SystemPath, up.DurationNs, up.TimeoutNs, up.JUnitPath));
        Assert.Equal(("Bulkhead.Cli.Tests", ViewChoice.Plain), (up.Name, up.View));
    }

    [Theory]
    [InlineData("/a/My Appliance.ova", "My-Appliance")]
    [InlineData("mixed.yaml", "mixed")]
    [InlineData("debian-12.5_amd64.ova", "debian-12.5_amd64")]
    [InlineData(".hidden.yaml", "hidden")]
    [InlineData("/a/.yaml", "system")]
    [InlineData("debian-12-generic-amd64-20240101.ova", "debian-12-generic-amd64-20240101")]
    [InlineData("debian-12-generic-amd64-20240101-1.ova", "debian-12-generic-amd64-5c55b0bc")]
    [InlineData("日本.ova", "---cf2abf0c")]
    public void NameOf_IsTheFiles_AsFarAsItCanBe(string path, string name)
    {
        Assert.Equal(name, UpCommand.NameOf(path));
        Assert.True(UpCommand.IsName(name));
    }

    [Theory]
    [InlineData("stop", "Required argument 'DOMAIN' missing")]
    [InlineData("set box weight", "weight: not understood; write NAME=VALUE")]
    [InlineData("logs box --tail many", "--tail many: not understood; write a number")]
    [InlineData("up /etc/passwd --name a/b", "--name a/b: not understood; write letters, digits")]
    public void Control_WrongUse_SaysSo(string arguments, string expected)
    {
        Assert.Equal(2, Invoke(new RecordingHost(), out string errors, arguments.Split(' ')));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image build", "Required argument 'RECIPE' missing")]
    [InlineData("image build debain", "There is no image 'debain'. Did you mean 'debian'?")]
    [InlineData("image build /no/such.yaml", "/no/such.yaml: cannot be read")]
    [InlineData("image build debian-full --ssh-key /no/such.pub", "--ssh-key /no/such.pub: cannot be read")]
    [InlineData("image biuld debian", "did you mean build?")]
    [InlineData("image rm no-such-image", "The cache has no image 'no-such-image'")]
    public void Image_WrongUse_SaysSo(string arguments, string expected)
    {
        Assert.Equal(2, Invoke(new RecordingHost(), out string errors, arguments.Split(' ')));
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_File_IsPassedOn()
    {
        var host = new RecordingHost();

        Assert.Equal(9, Invoke(host, out _, "validate", s_file));
        Assert.Equal(s_file, host.AskedToValidate);
    }

    [Fact]
    public void Invoke_HostFails_PrintsItAndGivesItsCode()
    {
        var host = new RecordingHost { Fault = new OperatorException("no memory; ask for less", 1) };

        Assert.Equal(1, Invoke(host, out string errors, "run", "--kernel", s_file));
        Assert.Equal("bulkhead: no memory; ask for less" + Environment.NewLine, errors);
    }

    private static int Invoke(RecordingHost host, out string errors, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = new CommandLine(host, output, error).Invoke(arguments);
        errors = error.ToString();
        return code;
    }
}
