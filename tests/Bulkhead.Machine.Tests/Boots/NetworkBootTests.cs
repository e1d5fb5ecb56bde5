using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Two unmodified Debian guests on a network between them.</summary>
public sealed class NetworkBootTests
{
    private const int LongestMs = 300_000;
    private const int Lines = 300_000;

    [Fact]
    public void TwoDebians_OnANetwork_TalkAsItsRulesSay_AndACaptureShowsIt()
    {
        NetworkRule[] rules =
        [
            new() { From = "a", To = "b", Protocol = "tcp", FirstPort = 5201, LastPort = 5201 },
            new() { From = "a", To = "b", Protocol = "icmp" },
        ];
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        var a = new GuestShell();
        var b = new GuestShell();
        using MachineRunner runner = MachineRunner.Build(
            new MachineRequest { Domains = [Request("a", "10.0.0.1", a), Request("b", "10.0.0.2", b)], Networks = [new NetworkRequest("lan", 1500, rules)] }, engines.Seam);
        string file = Path.GetTempFileName();
        try
        {
            using (CardCapture capture = runner.Capture(runner.Domains[1], 0))
            using (FileStream stream = File.Create(file))
            {
                void Capture() => Copy(capture, stream);
                runner.Start();
                b.Type(runner.Domains[1], "(nc -l -p 5202; echo REACH\"\"ED) & echo RE\"\"ADY; nc -l -p 5201 | md5sum");
                b.Await("READY", Capture);
                a.Type(runner.Domains[0], $"ping -c 2 -W 60 10.0.0.2; nc -w 5 10.0.0.2 5202 </dev/null; echo TRI\"\"ED; seq 1 {Lines} | nc -w 60 10.0.0.2 5201");
                a.Await("2 packets received", Capture);
                a.Await("TRIED", Capture);
                string sent = string.Concat(Enumerable.Range(1, Lines).Select(static i => $"{i}\n"));
#pragma warning disable CA5351 // The guest's busybox and we compare; nobody is kept out.
                b.Await(Convert.ToHexStringLower(MD5.HashData(Encoding.ASCII.GetBytes(sent))), Capture);
#pragma warning restore CA5351
                b.Type(runner.Domains[1], "ping -c 1 -W 3 10.0.0.1; echo EN\"\"DED");
                b.Await("ENDED", Capture);
                Copy(capture, stream);
            }

            Assert.DoesNotContain("REACHED", b.Text, StringComparison.Ordinal);
            Assert.Contains("100% packet loss", b.Text, StringComparison.Ordinal);
            NetworkReport network = Assert.Single(runner.Networks());
            Assert.All(network.Rules, static r => Assert.True(r is { Frames: > 1, Replies: > 1 }, r.ToString()));
            Assert.All(network.Ports, static p => Assert.True(p.Denied > 0 && p is { Spoofed: 0, Malformed: 0 }, p.ToString()));
            AssertSeen(file);
        }
        finally
        {
            runner.Stop(0, "the test is over");
            _ = runner.Wait(LongestMs);
            File.Delete(file);
        }
    }

    private static void Copy(CardCapture capture, Stream stream)
    {
        byte[] record = new byte[CardCapture.MostBytes];
        for (int count = capture.Read(record); count > 0; count = capture.Read(record))
        {
            stream.Write(record, 0, count);
        }
    }

    /// <summary>What Wireshark makes of the file, where it is installed.</summary>
    private static void AssertSeen(string file)
    {
        Assert.True(new FileInfo(file).Length > 1_000_000);
        if (!File.Exists("/usr/bin/tshark"))
        {
            return;
        }

        var start = new ProcessStartInfo("/usr/bin/tshark", ["-r", file, "-o", "tcp.check_checksum:TRUE", "-T", "fields", "-e", "ip.src", "-e", "tcp.dstport", "-e", "icmp.type", "-e", "tcp.checksum.status"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process tshark = Process.Start(start) ?? throw new InvalidOperationException("tshark was not started");
        _ = tshark.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string[] lines = tshark.StandardOutput.ReadToEnd().Split('\n');
        Assert.Contains("10.0.0.1\t\t8\t", lines);
        Assert.Contains("10.0.0.2\t\t0\t", lines);
        Assert.Contains("10.0.0.1\t5201\t\t1", lines); // with a good checksum
        Assert.DoesNotContain(lines, static l => l.Contains("\t5202\t", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, static l => l.EndsWith("\t0", StringComparison.Ordinal) && l.Contains("520", StringComparison.Ordinal)); // nor a bad one
    }

    private static DomainRequest Request(string name, string address, GuestShell shell)
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        return new DomainRequest
        {
            Name = name,
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            CommandLine = $"console=ttyS0,115200 panic=-1 quiet bulkhead.task=shell bulkhead.address=eth0:{address}/24",
            Nets = [new NetRequest { Network = "lan" }],
            Serial = shell.Write,
        };
    }
}
