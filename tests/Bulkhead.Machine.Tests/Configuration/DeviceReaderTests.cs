using System.Net;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class DeviceReaderTests
{
    [Fact]
    public void Parse_EveryField_IsTaken()
    {
        SystemConfig system = SystemFile.Parse("/sys/s.yaml", """
            domains:
              - name: a
                image: debian
                disks:
                  - file: root.img
                  - { file: /big/data.qcow2, read_only: true, format: qcow2, cache: none, snapshot: true, serial: data-1, bus: mmio, requests_per_second: 500, bytes_per_second: 10Mi, burst: 1s }
                shares:
                  - folder: src
                  - { folder: /data, tag: d_1.x, read_only: true }
                console: { path: c.sock, size: 100x30 }
                ports: [{ name: org.a_1, path: /p }, { name: b, path: q }]
                rng: true
                balloon: true
                networks:
                  - name: user
                    forward: ["tcp:2222-:22", "udp:0.0.0.0:5353-:53"]
                    mac: 52:54:00:12:34:56
                  - { name: user, forward: "tcp:80-:8080", bytes_per_second: 1Mi }
                display: 800x600
                vsock: { cid: 3, path: a.vsock, peers: [b] }
              - { name: b, image: debian, vsock: { cid: 4 } }
            """);

        DomainConfig a = system.Domains[0];
        Assert.Equal([new ShareRequest("/sys/src", "src", false), new ShareRequest("/data", "d_1.x", true)], a.Shares);
        Assert.Equal(new ConsoleRequest("/sys/c.sock", 100, 30), a.Console);
        Assert.Equal([new PortRequest("org.a_1", "/p"), new PortRequest("b", "/sys/q")], a.Ports);
        Assert.True(a.Entropy);
        Assert.True(a.Balloon);
        Assert.Equal(new DisplayRequest(800, 600), a.Display);
        Assert.Null(system.Domains[1].Display);
        Assert.Equal(
            [
                new DiskRequest { Path = "/sys/root.img" },
                new DiskRequest { Path = "/big/data.qcow2", ReadOnly = true, Format = "qcow2", Uncached = true, Snapshot = true, Serial = "data-1", Mmio = true, Limit = new DeviceLimit(500, 10 << 20, 1_000_000_000) },
            ],
            a.Disks);
        Assert.Equal(
            [new PortForward(false, IPAddress.Loopback, 2222, 22), new PortForward(true, IPAddress.Any, 5353, 53)], a.Nets[0].Forwards);
        Assert.Equal([0x52, 0x54, 0, 0x12, 0x34, 0x56], a.Nets[0].Mac!); // it was given
        Assert.Null(a.Nets[0].Limit);
        Assert.Equal(new DeviceLimit(0, 1 << 20), a.Nets[1].Limit);
        Assert.Equal(8080, Assert.Single(a.Nets[1].Forwards).GuestPort);
        Assert.Equal((3u, "/sys/a.vsock"), (a.Vsock!.Cid, a.Vsock.Path)); // it was given
        Assert.Equal(["b"], a.Vsock.Peers);
        Assert.Null(system.Domains[1].Vsock?.Path);
    }

    [Theory]
    [InlineData("disks: [{ read_only: true }]", "domains[0].disks[0].file: is missing; the path of a disk image")]
    [InlineData("disks: [{ file: a, format: qcow3 }]", "domains[0].disks[0].format: \"qcow3\" is not known; one of raw, qcow2, vmdk, vdi; did you mean qcow2?")]
    [InlineData("disks: [{ path: a }]", "domains[0].disks[0].path: is not a field; fields are file, read_only")]
    [InlineData("disks: [{ file: a, requests_per_second: 0 }]", "domains[0].disks[0].requests_per_second: \"0\" does not fit; a whole number from 1")]
    [InlineData("disks: [{ file: a, burst: 1s }]", "domains[0].disks[0].burst: has no limit to go with; leave it out, or set requests_per_second or bytes_per_second")]
    [InlineData("networks: [{ name: user, burst: 1s }]", "domains[0].networks[0].burst: has no limit to go with; leave it out, or set bytes_per_second")]
    [InlineData("networks: [{ name: users }]", "domains[0].networks[0].name: \"users\" is not known; one of user, tap; did you mean user?")]
    [InlineData("networks: [{ name: user, forward: [22] }]", "domains[0].networks[0].forward[0]: \"22\" is not a forwarded port; tcp|udp:[ADDRESS:]PORT-:PORT")]
    [InlineData("networks: [{ name: user, mac: \"53:0:0:0:0:0\" }]", "domains[0].networks[0].mac: \"53:0:0:0:0:0\" is not an address; six bytes")]
    [InlineData("shares: [{ tag: a }]", "domains[0].shares[0].folder: is missing; the path of a folder")]
    [InlineData("shares: [{ folder: / }]", "domains[0].shares[0].tag: is missing, and the folder's name is none; 1 to 36 letters")]
    [InlineData("shares: [{ folder: a, tag: a b }]", "domains[0].shares[0].tag: \"a b\" is no tag; 1 to 36 letters")]
    [InlineData("shares: [{ folder: a }, { folder: b/a }]", "domains[0].shares[1].tag: \"a\" is that of an earlier share of the domain")]
    [InlineData("console: { path: p, size: 80 }", "domains[0].console.size: \"80\" is no size; COLUMNSxROWS, such as 80x24")]
    [InlineData("console: { path: p }, ports: [{ name: a, path: p }]", "domains[0].ports[0].path: is another port's")]
    [InlineData("ports: [{ path: p }]", "domains[0].ports[0].name: is missing; 1 to 64 letters")]
    [InlineData("ports: [{ name: a/b, path: p }]", "domains[0].ports[0].name: \"a/b\" is no name of a port")]
    [InlineData("ports: [{ name: a, path: p }, { name: a, path: q }]", "domains[0].ports[1].name: \"a\" is an earlier port of the domain")]
    [InlineData("display: 801x600", "domains[0].display: \"801x600\" is not a size of a display; WIDTHxHEIGHT, as in 1024x768: a width from 320 to 3840 in steps of 8, a height from 200 to 2160")]
    [InlineData("display: large", "domains[0].display: \"large\" is not a size")]
    [InlineData("display: 800x600x32", "domains[0].display: \"800x600x32\" is not a size")]
    [InlineData("vsock: { path: p }", "domains[0].vsock.cid: is missing; a number from 3 on")]
    [InlineData("vsock: { cid: 2 }", "domains[0].vsock.cid")]
    [InlineData("vsock: { cid: 3, peers: [a] }", "domains[0].vsock.peers[0]: is the domain itself")]
    [InlineData("vsock: { cid: 3, peers: [b] }", "domains[0].vsock.peers[0]: \"b\" is not a domain of this file that has vsock")]
    public void Parse_Mistake_IsNamedWithItsFix(string fields, string expected)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", $"domains: [{{name: a, image: debian, {fields}}}]"));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ size: 80x24 }", null, 80)]
    [InlineData("{}", null, 0)]
    [InlineData("{ path: /p }", "/p", 0)]
    public void Parse_Console_NeedsNoPath(string console, string? path, int columns)
    {
        SystemConfig system = SystemFile.Parse("s.yaml", $"domains: [{{name: a, image: debian, console: {console}}}]");

        Assert.Equal(new ConsoleRequest(path, (ushort)columns, (ushort)(columns == 0 ? 0 : 24)), system.Domains[0].Console);
    }

    [Theory]
    [InlineData("{ cid: 3 }", "domains[1].vsock.cid: 3 is another domain's")]
    [InlineData("{ cid: 4, path: p }", "domains[1].vsock.path: is another domain's")]
    public void Parse_SocketsOfAnother_AreRefused(string vsock, string expected)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse(
            "s.yaml", $"domains: [{{name: a, image: debian, vsock: {{cid: 3, path: p}}}}, {{name: b, image: debian, vsock: {vsock}}}]"));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3", null, null)]
    [InlineData("77,uds=/tmp/x", "/tmp/x", null)]
    [InlineData("2", null, "is no guest's number")]
    [InlineData("x", null, "is no guest's number")]
    [InlineData("3,path=/tmp/x", null, "'path=/tmp/x' is not known here; known are uds=")]
    public void Vsock_InOneWord(string text, string? path, string? mistake)
    {
        VsockRequest? request = VsockRequest.Parse(text, out string? error);

        Assert.Equal(mistake is null, request is not null);
        Assert.Equal(path, request?.Path);
        Assert.Contains(mistake ?? string.Empty, error ?? string.Empty, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("networks: [{name: user}]")]
    [InlineData("vsock: {cid: 3}")]
    [InlineData("shares: [{folder: a}]")]
    [InlineData("console: {path: a}")]
    [InlineData("ports: [{name: a, path: b}]")]
    public void Parse_HostsTimeInVirtualTime_IsRefused(string fields)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", $"{{clock: virtual, domains: [{{name: a, image: debian, {fields}}}]}}"));

        Assert.Contains("the clock is virtual", e.Message, StringComparison.Ordinal);
    }
}
