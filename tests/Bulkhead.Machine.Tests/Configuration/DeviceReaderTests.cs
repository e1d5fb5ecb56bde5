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
                  - { file: /big/data.qcow2, read_only: true, format: qcow2, cache: none, snapshot: true, serial: data-1, bus: mmio }
                rng: true
                balloon: true
                networks:
                  - name: user
                    forward: ["tcp:2222-:22", "udp:0.0.0.0:5353-:53"]
                    mac: 52:54:00:12:34:56
                  - { name: user, forward: "tcp:80-:8080" }
            """);

        DomainConfig a = system.Domains[0];
        Assert.True(a.Entropy);
        Assert.True(a.Balloon);
        Assert.Equal(
            [
                new DiskRequest { Path = "/sys/root.img" },
                new DiskRequest { Path = "/big/data.qcow2", ReadOnly = true, Format = "qcow2", Uncached = true, Snapshot = true, Serial = "data-1", Mmio = true },
            ],
            a.Disks);
        Assert.Equal(
            [new PortForward(false, IPAddress.Loopback, 2222, 22), new PortForward(true, IPAddress.Any, 5353, 53)], a.Nets[0].Forwards);
        Assert.Equal([0x52, 0x54, 0, 0x12, 0x34, 0x56], a.Nets[0].Mac!); // it was given
        Assert.Equal(8080, Assert.Single(a.Nets[1].Forwards).GuestPort);
    }

    [Theory]
    [InlineData("disks: [{ read_only: true }]", "domains[0].disks[0].file: is missing; the path of a disk image")]
    [InlineData("disks: [{ file: a, format: qcow3 }]", "domains[0].disks[0].format: \"qcow3\" is not known; one of raw, qcow2, vmdk, vdi; did you mean qcow2?")]
    [InlineData("disks: [{ path: a }]", "domains[0].disks[0].path: is not a field; fields are file, read_only")]
    [InlineData("networks: [{ name: users }]", "domains[0].networks[0].name: \"users\" is not known; one of user; did you mean user?")]
    [InlineData("networks: [{ name: user, forward: [22] }]", "domains[0].networks[0].forward[0]: \"22\" is not a forwarded port; tcp|udp:[ADDRESS:]PORT-:PORT")]
    [InlineData("networks: [{ name: user, mac: \"53:0:0:0:0:0\" }]", "domains[0].networks[0].mac: \"53:0:0:0:0:0\" is not an address; six bytes")]
    public void Parse_Mistake_IsNamedWithItsFix(string fields, string expected)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", $"domains: [{{name: a, image: debian, {fields}}}]"));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_NetworkInVirtualTime_IsRefused()
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", "{clock: virtual, domains: [{name: a, image: debian, networks: [{name: user}]}]}"));

        Assert.Contains("the clock is virtual", e.Message, StringComparison.Ordinal);
    }
}
