using System.Net;
using System.Net.Sockets;
using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>A stock Debian with systemd starts from its own disk, as one that was installed.</summary>
public sealed class FullDebianBootTests
{
    private const int LongestMs = 300_000;

    [Fact]
    public void DebianFull_StartsFromItsDisk_WithNoFailedUnit_AndIsReachedFromTheHost()
    {
        foreach (string program in (ReadOnlySpan<string>)["mmdebstrap", "mke2fs", "passt"])
        {
            Assert.SkipUnless(((string[])["/usr/bin", "/sbin", "/usr/sbin"]).Any(f => File.Exists(Path.Combine(f, program))), $"there is no {program} here");
        }

        GuestImage image = new ImageStore().Resolve("debian-full", update: false, static _ => { });
        var shell = new GuestShell();
        ushort port = FreePort();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        using MachineRunner runner = MachineRunner.Build(
            new MachineRequest
            {
                Domains =
                [
                    new DomainRequest
                    {
                        Name = "full",
                        KernelPath = image.KernelPath,
                        InitrdPath = image.InitrdPath,
                        CommandLine = image.Append,
                        Disks = [new DiskRequest { Path = image.DiskPath ?? string.Empty, Format = "raw", Snapshot = true }],
                        Nets = [new NetRequest { Forwards = [new PortForward(false, IPAddress.Loopback, port, 22)] }],
                        Serial = shell.Write,
                    },
                ],
            },
            engines.Seam);
        runner.Start();
        try
        {
            shell.Answer(runner.Domains[0], "login: ", "root");
            shell.Answer(runner.Domains[0], "Password: ", "bulkhead");
            string Run(string line) => shell.Run(runner.Domains[0], line);

            Assert.Contains("state: running", Run("echo state: $(systemctl is-system-running --wait)"), StringComparison.Ordinal);
            Assert.Contains("failed: 0", Run("echo failed: $(systemctl --failed --no-legend | wc -l)"), StringComparison.Ordinal);
            Assert.Contains("ext4", Run("findmnt -no FSTYPE /"), StringComparison.Ordinal);
            Assert.Contains("addresses: 1", Run("echo addresses: $(ip -4 -o address show scope global | wc -l)"), StringComparison.Ordinal);
            Assert.StartsWith("SSH-2.0-", Banner(port), StringComparison.Ordinal);

            // It writes and reads back through the disk, past its page cache.
            Assert.Contains("same", Run("dd if=/dev/urandom of=/root/r bs=1M count=32 conv=fsync 2>/dev/null; md5sum /root/r >/root/s; echo 3 >/proc/sys/vm/drop_caches; md5sum -c --quiet /root/s && echo sa\"\"me"), StringComparison.Ordinal);
            shell.Type(runner.Domains[0], "poweroff");
            Assert.True(runner.Wait(LongestMs), shell.Text);
            Assert.Equal((0, "powered off"), (runner.Results()[0].ExitCode, runner.Results()[0].Message));
        }
        finally
        {
            runner.Stop(0, "the test is over");
            _ = runner.Wait(LongestMs);
        }
    }

    private static ushort FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return (ushort)((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Banner(ushort port)
    {
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, port);
        client.ReceiveTimeout = LongestMs;
        client.GetStream().Write("SSH-2.0-test\r\n"u8); // Debian's passt completes a connection to the guest with the first data
        byte[] bytes = new byte[64];
        return Encoding.ASCII.GetString(bytes, 0, client.GetStream().Read(bytes));
    }
}
