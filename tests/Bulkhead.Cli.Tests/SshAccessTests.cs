using System.Net;
using System.Net.Sockets;
using Bulkhead.Cli.Machines;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class SshAccessTests
{
    private static readonly GuestImage s_image = new("debian-full", "1", "/state/box/vmlinuz", "/state/box/initrd.img") { IsPrivate = true, SshKeyPaths = ["/keys/id"] };

    [Fact]
    public void Find_DiskOfItsOwn_RemembersItsHostKeyBesideIt()
    {
        var access = SshAccess.Find(s_image);

        PortForward forward = Assert.Single(access.Net.Forwards);
        Assert.Equal((false, IPAddress.Loopback, (ushort)22), (forward.Udp, forward.Address, forward.GuestPort));
        Assert.Equal($"ssh -i /keys/id -p {forward.HostPort} -o UserKnownHostsFile=/state/box/known_hosts root@127.0.0.1", access.Words);
    }

    [Fact]
    public void Find_DiskThatIsForgotten_RemembersNoHostKey() =>
        Assert.Contains("-o UserKnownHostsFile=/dev/null", SshAccess.Find(s_image with { IsPrivate = false }).Words, StringComparison.Ordinal);

    [Fact]
    public void Find_PortThatIsTaken_GivesAnother()
    {
        using var taken = new TcpListener(IPAddress.Loopback, SshAccess.Find(s_image).Net.Forwards[0].HostPort);
        taken.Start();

        Assert.NotEqual(((IPEndPoint)taken.LocalEndpoint).Port, SshAccess.Find(s_image).Net.Forwards[0].HostPort);
    }
}
