using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Devices;

public sealed class DeviceWordsTests
{
    private static readonly string s_file = typeof(DeviceWordsTests).Assembly.Location;

    [Fact]
    public void Disk_EveryWord_IsTaken()
    {
        DiskRequest? disk = DiskRequest.Parse($"{s_file},ro,format=vmdk,cache=none,snapshot,serial=x y,bus=mmio,iops=100,bps=2Mi,burst=1s", out string? error);

        Assert.Null(error);
        Assert.Equal(new DiskRequest { Path = s_file, ReadOnly = true, Format = "vmdk", Uncached = true, Snapshot = true, Serial = "x y", Mmio = true, Limit = new DeviceLimit(100, 2 << 20, 1_000_000_000) }, disk);
    }

    [Theory]
    [InlineData("FILE,rw", "'rw' is not known here; known are ro, snapshot, format=, cache=, serial=, bus=, iops=, bps=, burst= (did you mean ro?).")]
    [InlineData("FILE,format=qcow", "format=qcow: give one of raw, qcow2, vmdk, vdi.")]
    [InlineData("FILE,ro,ro", "ro stands there twice; give it once.")]
    [InlineData("FILE,serial", "'serial' is not known here")]
    [InlineData("FILE,iops=0", "iops=0: give a whole number from 1 on")]
    [InlineData("FILE,bps=fast", "bps=fast: give a size such as")]
    [InlineData("FILE,iops=1,burst=2", "burst=2: give a time such as")]
    [InlineData("FILE,burst=2s", "burst goes with iops or bps.")]
    [InlineData(",ro", "nothing stands before the first comma.")]
    [InlineData("/no/such,,file", "/no/such,file: there is no such file")]
    public void Disk_Mistake_IsNamedWithItsFix(string text, string expected)
    {
        Assert.Null(DiskRequest.Parse(text.Replace("FILE", s_file, StringComparison.Ordinal), out string? error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Module_WordsBehindTheFirstComma_AreTakenAsTheyAre()
    {
        string file = Path.Combine(Path.GetTempPath(), "a,b" + Path.GetRandomFileName());
        File.WriteAllBytes(file, []);
        try
        {
            string written = file.Replace(",", ",,", StringComparison.Ordinal);
            Assert.Equal(new ModuleRequest(file, "x=1,y ,,z"), ModuleRequest.Parse($"{written},x=1,y ,,z", out _));
            Assert.Equal(new ModuleRequest(file, ""), ModuleRequest.Parse(written, out _));
            Assert.Null(ModuleRequest.Parse("/no/such,,file,words", out string? error));
            Assert.Equal("/no/such,file: there is no such file; give the path of a module.", error);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("FOLDER", "Devices", false, null)]
    [InlineData("FOLDER,tag=a.b-c_1,ro", "a.b-c_1", true, null)]
    [InlineData("/none", null, false, "/none: there is no such folder")]
    [InlineData("/", null, false, "/: its name is no tag; give one, as in /,tag=data.")]
    [InlineData("FOLDER,tag=", null, false, "tag=: write 1 to 36 letters")]
    [InlineData("FOLDER,tag=a/b", null, false, "tag=a/b: write 1 to 36 letters")]
    [InlineData("FOLDER,rw", null, false, "'rw' is not known here; known are ro, tag=")]
    public void Share_IsReadOrNamesTheMistake(string text, string? tag, bool readOnly, string? mistake)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "Devices")).FullName;
        ShareRequest? share = ShareRequest.Parse(text.Replace("FOLDER", folder, StringComparison.Ordinal), out string? error);

        Assert.Equal(tag is null ? null : new ShareRequest(folder, tag, readOnly), share);
        Assert.Contains(mistake ?? string.Empty, error ?? string.Empty, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/tmp/c", 0, 0, null)]
    [InlineData("/tmp/c,size=132x50", 132, 50, null)]
    [InlineData("/tmp/c,size=0x50", 0, 0, "size=0x50: write COLUMNSxROWS")]
    [InlineData("/tmp/c,size=80", 0, 0, "size=80: write COLUMNSxROWS")]
    [InlineData("/tmp/c,rows=2", 0, 0, "'rows=2' is not known here; known are size=")]
    public void Console_IsReadOrNamesTheMistake(string text, int columns, int rows, string? mistake)
    {
        ConsoleRequest? console = ConsoleRequest.Parse(text, out string? error);

        Assert.Equal(mistake is null ? new ConsoleRequest("/tmp/c", (ushort)columns, (ushort)rows) : null, console);
        Assert.Contains(mistake ?? string.Empty, error ?? string.Empty, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.b-c_1,uds=/tmp/p", null)]
    [InlineData("a", "a: it leads nowhere; give a socket's path, as in a,uds=/tmp/a.")]
    [InlineData("a,uds=", "a: it leads nowhere")]
    [InlineData("a b,uds=/tmp/p", "'a b' is no name of a port; write 1 to 64 letters")]
    [InlineData("..,uds=/tmp/p", "'..' is no name of a port")]
    public void Port_IsReadOrNamesTheMistake(string text, string? mistake)
    {
        PortRequest? port = PortRequest.Parse(text, out string? error);

        Assert.Equal(mistake is null ? new PortRequest("a.b-c_1", "/tmp/p") : null, port);
        Assert.Contains(mistake ?? string.Empty, error ?? string.Empty, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("user,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp:53-:53,mac=02:00:00:00:00:01", null)]
    [InlineData("user,rate=1Mi,burst=0", null)]
    [InlineData("user,rate=0", "rate=0: give a size")]
    [InlineData("tap:t,burst=1s", "burst goes with rate.")]
    [InlineData("tap", "'tap' is no kind of network")]
    [InlineData("user,hostfwd=tcp:2222:22", "hostfwd=tcp:2222:22: write tcp|udp:[ADDRESS:]PORT-:PORT")]
    [InlineData("user,hostfwd=tcp:0-:22", "hostfwd=tcp:0-:22: write")]
    [InlineData("user,hostfwd=sctp:1-:22", "hostfwd=sctp:1-:22: write")]
    [InlineData("user,mac=1:2:3", "mac=1:2:3: write six bytes")]
    public void Net_IsReadOrNamesTheMistake(string text, string? expected)
    {
        NetRequest? net = NetRequest.Parse(text, out string? error);

        Assert.Equal(expected is null, net is not null);
        Assert.Contains(expected ?? string.Empty, error ?? string.Empty, StringComparison.Ordinal);
    }

    [Fact]
    public void Net_Tap_NamesItsDevice()
    {
        Assert.Equal(("tap", "tap0"), NetRequest.Parse("tap:tap0", out _) is { } net ? (net.Network, net.Device) : default);
        Assert.Null(NetRequest.Parse("tap:", out string? error));
        Assert.Contains("tap:DEVICE", error, StringComparison.Ordinal);
        Assert.Null(NetRequest.Parse("tap:tap0,hostfwd=tcp:1-:2", out error));
        Assert.Contains("hostfwd goes with user only", error, StringComparison.Ordinal);
    }
}
