using System.Net;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class NetworkReaderTests
{
    [Fact]
    public void Parse_EveryField_IsTaken()
    {
        SystemConfig system = SystemFile.Parse("/sys/s.yaml", """
            networks:
              - name: lan
                mtu: 9000
                rules:
                  - { from: a, to: b, protocol: tcp, port: 5000 }
                  - { from: any, to: b, protocol: udp, port: 6000-6010, frames_per_second: 500, bytes_per_second: 10M }
                  - { from: b, to: any, action: deny }
              - name: quiet
            domains:
              - name: a
                image: debian
                networks: [{ name: user }, { name: lan, address: 10.0.0.1 }]
              - name: b
                image: debian
                networks: [{ name: lan, mac: 52:54:00:12:34:56, address: [10.0.0.2, "fd00::2"] }]
            """);

        Assert.Equal(["lan", "quiet"], system.Networks.Select(static n => n.Name));
        Assert.Equal([9000, 1500], system.Networks.Select(static n => n.Mtu));
        Assert.Equal(
            [
                new NetworkRule { From = "a", To = "b", Protocol = "tcp", FirstPort = 5000, LastPort = 5000 },
                new NetworkRule { From = "any", To = "b", Protocol = "udp", FirstPort = 6000, LastPort = 6010, FramesPerSecond = 500, BytesPerSecond = 10 << 20 },
                new NetworkRule { From = "b", To = "any", Denies = true },
            ],
            system.Networks[0].Rules);
        Assert.Equal(
            ["a -> b tcp 5000", "any -> b udp 6000-6010, 500 frames/s, 10Mi/s", "deny b -> any any"], system.Networks[0].Rules.Select(static r => r.ToString()));
        Assert.Equal("lan", system.Domains[0].Nets[1].Network);
        Assert.Equal([IPAddress.Parse("10.0.0.2"), IPAddress.Parse("fd00::2")], system.Domains[1].Nets[0].Addresses);
    }

    [Theory]
    [InlineData("mtu: 100", "networks[0].mtu: \"100\" does not fit; a whole number from 576 to 65520")]
    [InlineData("rules: [{ to: b }]", "networks[0].rules[0].from: is missing; one of any, a, b; a domain is part of a network by its own field networks")]
    [InlineData("rules: [{ from: a, to: c }]", "networks[0].rules[0].to: \"c\" is not part of lan; one of any, a, b")]
    [InlineData("rules: [{ from: a, to: a }]", "networks[0].rules[0].to: a is the sender as well; ")]
    [InlineData("rules: [{ from: a, to: b, protocol: tpc }]", "networks[0].rules[0].protocol: \"tpc\" is not known; one of any, tcp, udp, icmp; did you mean tcp?")]
    [InlineData("rules: [{ from: a, to: b, port: 80 }]", "networks[0].rules[0].port: goes with protocol tcp or udp, and the protocol is any; ")]
    [InlineData("rules: [{ from: a, to: b, protocol: icmp, port: 80 }]", "port: goes with protocol tcp or udp, and the protocol is icmp; ")]
    [InlineData("rules: [{ from: a, to: b, protocol: tcp, port: 70000 }]", "networks[0].rules[0].port: \"70000\" is not a port; a port from 0 to 65535, or a range")]
    [InlineData("rules: [{ from: a, to: b, protocol: tcp, port: 7-5 }]", "port: \"7-5\" is not a port; ")]
    [InlineData("rules: [{ from: a, to: b, protocol: tcp, ports: 7 }]", "networks[0].rules[0].ports: is not a field; fields are from, to, protocol, port, action, frames_per_second, bytes_per_second; did you mean port?")]
    [InlineData("rules: [{ from: a, to: b, action: drop }]", "networks[0].rules[0].action: \"drop\" is not known; one of allow, deny")]
    [InlineData("rules: [{ from: a, to: b, action: deny, frames_per_second: 5 }]", "frames_per_second: has nothing to limit: the rule lets nothing pass; ")]
    [InlineData("rules: [{ from: a, to: b, frames_per_second: 0 }]", "frames_per_second: \"0\" does not fit; ")]
    [InlineData("rules: []", "networks[0].rules: is empty; a list of rules")]
    public void Parse_MistakeInANetwork_IsNamedWithItsFix(string fields, string expected) => AssertRefused(
        $"{{networks: [{{name: lan, {fields}}}], domains: [{{name: a, image: debian, networks: [{{name: lan}}]}}, {{name: b, image: debian, networks: [{{name: lan}}]}}]}}", expected);

    [Theory]
    [InlineData("{ name: lan }, { name: lan }", "domains[0].networks[1].name: a is part of lan already; name each network once")]
    [InlineData("{ name: wan }", "domains[0].networks[0].name: \"wan\" is not known; one of user, tap, lan; did you mean lan?")]
    [InlineData("{ mac: 52:54:00:12:34:56 }", "domains[0].networks[0].name: is missing; one of user, tap, lan")]
    [InlineData("{ name: lan, forward: \"tcp:1-:2\" }", "domains[0].networks[0].forward: goes with the network user only; ")]
    [InlineData("{ name: user, address: 10.0.0.1 }", "domains[0].networks[0].address: goes with a network of this file only; ")]
    [InlineData("{ name: tap }", "domains[0].networks[0].device: is missing; the name of a TAP device of the host, at most 15 characters, such as tap0")]
    [InlineData("{ name: tap, device: a/b }", "domains[0].networks[0].device: \"a/b\" is no name of an interface; ")]
    [InlineData("{ name: tap, device: t, forward: \"tcp:1-:2\" }", "domains[0].networks[0].forward: goes with the network user only; ")]
    [InlineData("{ name: lan, device: t }", "domains[0].networks[0].device: goes with the network tap only; ")]
    [InlineData("{ name: lan, address: [10.0.0.1, 1] }", "domains[0].networks[0].address[1]: \"1\" is not an IP address; ")]
    [InlineData("{ name: lan, mac: 02:00:00:00:00:07 }", "domains[1].networks[0].mac: is the address of a as well; ")]
    public void Parse_MistakeInACard_IsNamedWithItsFix(string cards, string expected) => AssertRefused(
        $"{{networks: [{{name: lan}}], domains: [{{name: a, image: debian, networks: [{cards}]}}, {{name: b, image: debian, networks: [{{name: lan, mac: \"02:00:00:00:00:07\"}}]}}]}}", expected);

    [Theory]
    [InlineData("{ name: user }", "networks[0].name: \"user\" is the host's; ")]
    [InlineData("{ name: lan }, { name: lan }", "networks[1].name: \"lan\" is the name of an earlier network; ")]
    [InlineData("{ mtu: 1500 }", "networks[0].name: is missing; ")]
    public void Parse_MistakeInNames_IsNamedWithItsFix(string networks, string expected) =>
        AssertRefused($"{{networks: [{networks}], domains: [{{name: a, image: debian}}]}}", expected);

    [Fact]
    public void Parse_NetworkBetweenDomainsInVirtualTime_IsTaken() =>
        Assert.True(SystemFile.Parse("s.yaml", "{clock: virtual, networks: [{name: lan}], domains: [{name: a, image: debian, networks: [{name: lan}]}]}").IsVirtual);

    private static void AssertRefused(string yaml, string expected)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", yaml));

        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Equal(2, e.ExitCode);
    }
}
