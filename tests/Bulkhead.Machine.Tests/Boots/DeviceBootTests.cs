using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>One unmodified Debian with every kind of device that leads nowhere but here: it uses each.</summary>
public sealed class DeviceBootTests : IDisposable
{
    private const int LongestMs = 300_000;
    private const int Bytes = 300_000;
    private const uint Cid = 7;

    private readonly string _folder = Directory.CreateTempSubdirectory("devices").FullName;
    private readonly List<byte> _seen = [];

    private string this[string name] => Path.Combine(_folder, name);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Debian_UsesDiskInARegisterWindow_RandomBytes_Sockets_ConsoleAndPorts()
    {
        byte[] disk = new byte[1 << 20];
        new Random(9).NextBytes(disk);
        File.WriteAllBytes(this["disk"], disk);
        string share = Directory.CreateDirectory(this["share"]).FullName;
        CopyPerl(share);
        var shell = new GuestShell();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        using MachineRunner runner = Build(engines, shell, share);
        runner.Start();
        try
        {
            string Run(string line) => shell.Run(runner.Domains[0], line);

            Assert.Contains("Bulkhead Domain", Run("cat /sys/class/dmi/id/product_name"), StringComparison.Ordinal);
            Assert.Contains("5c146b14-3c52-8afd-938a-375d0df1fbf6", Run("cat /sys/class/dmi/id/product_uuid"), StringComparison.Ordinal);

            // A disk in a register window: what is on it, and what is written to it.
            Assert.Contains("/LNRO0005:00/", Run("readlink -f /sys/block/vda/device"), StringComparison.Ordinal);
            Assert.Contains(Md5(disk), Run("md5sum </dev/vda"), StringComparison.Ordinal);
            Run("echo written by the guest | dd of=/dev/vda bs=512 seek=3 conv=sync,fsync 2>/dev/null");
            Assert.StartsWith("written by the guest", Encoding.ASCII.GetString(File.ReadAllBytes(this["disk"]), 3 * 512, 100), StringComparison.Ordinal);

            Assert.Contains("virtio_rng", Run("cat /sys/class/misc/hw_random/rng_current"), StringComparison.Ordinal);
            Assert.Contains(" 4096 ", Run("dd if=/dev/hwrng bs=512 count=8 iflag=fullblock 2>/dev/null | wc -c | sed 's/.*/ & /'"), StringComparison.Ordinal);
            Assert.Contains("virtio_balloon", Run("ls /sys/bus/virtio/drivers"), StringComparison.Ordinal);

            Talk(shell, runner);
            AtTheConsole(Run);
            LookOn(runner.Domains[0]);
            Sockets(Run);

            shell.Type(runner.Domains[0], "poweroff -f");
            Assert.True(runner.Wait(LongestMs), shell.Text);
            Assert.Equal((0, "powered off"), (runner.Results()[0].ExitCode, runner.Results()[0].Message));
        }
        finally
        {
            runner.Stop(0, "the test is over");
            _ = runner.Wait(LongestMs);
        }
    }

    /// <summary>A port with a name carries bytes both ways, all of them; another one is another.</summary>
    private void Talk(GuestShell shell, MachineRunner runner)
    {
        string Run(string line) => shell.Run(runner.Domains[0], line);
        Assert.Contains("org.test.one", Run("until [ -e /dev/virtio-ports/org.test.two ]; do sleep 0.1; done; ls /dev/virtio-ports"), StringComparison.Ordinal);
        using Socket port = Connect("one");
        Run("exec 7<>/dev/virtio-ports/org.test.one");
        Run($"head -c {Bytes} <&7 >/tmp/got & for i in 1; do :; done");
        byte[] data = new byte[Bytes];
        new Random(10).NextBytes(data);
        Assert.Equal(Bytes, port.Send(data));
        Assert.Contains(Md5(data), Run("wait; md5sum </tmp/got"), StringComparison.Ordinal);
        shell.Type(runner.Domains[0], "cat /tmp/got >&7; echo DO\"\"NE");
        Assert.Equal(Md5(data), Md5(ReadAll(port, Bytes)));
        shell.Await("DONE");
        using Socket other = Connect("two");
        other.Send("line\n"u8);
        Assert.Contains("got line", Run("read -r x </dev/virtio-ports/org.test.two; echo got $x"), StringComparison.Ordinal);
    }

    /// <summary>A shell on the console, of the size that was declared.</summary>
    private void AtTheConsole(Func<string, string> run)
    {
        using Socket console = Connect("console");
        run("(setsid sh -c 'exec sh -i </dev/hvc0 >/dev/hvc0 2>&1' &)");
        console.Send("stty size; echo fin\"\"ished\n"u8);
        var text = new StringBuilder();
        while (!text.ToString().Contains("finished", StringComparison.Ordinal))
        {
            text.Append(Encoding.ASCII.GetString(ReadAll(console, 1)));
        }

        Assert.True(text.ToString().Contains("30 100", StringComparison.Ordinal), text.ToString());
    }

    /// <summary>Somebody of this process types in the same shell, says another size, and sees what it prints; nobody is at the path any more.</summary>
    private void LookOn(Domain domain)
    {
        byte[] words = "until [ \"$(stty size)\" = '40 120' ]; do sleep 0.1; done; stty size; echo lo\"\"oked\n"u8.ToArray();
        Assert.Equal(words.Length, domain.SendConsoleInput(words));
        domain.ResizeConsole(120, 40);
        Assert.True(SpinWait.SpinUntil(() => Seen().Contains("looked", StringComparison.Ordinal), LongestMs), Seen());
        Assert.Contains("40 120\r\n", Seen(), StringComparison.Ordinal);
        Assert.Contains("finished", Seen(), StringComparison.Ordinal); // what it printed to who was at the path

        string Seen()
        {
            lock (_seen)
            {
                return Encoding.ASCII.GetString([.. _seen]);
            }
        }
    }

    private void See(ReadOnlySpan<byte> data)
    {
        lock (_seen)
        {
            _seen.AddRange(data);
        }
    }

    /// <summary>Sockets of the guest's and the host's, each called by the other; busybox has none, perl does.</summary>
    private void Sockets(Func<string, string> run)
    {
        const string perl = "/a/ld /a/perl -e";
        run("mkdir -p /a; mount -t virtiofs share /a; export LD_LIBRARY_PATH=/a");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(this["vsock_99"]));
        listener.Listen();
        Task<string> heard = Task.Run(() =>
        {
            using Socket guest = listener.Accept();
            string line = Encoding.ASCII.GetString(ReadAll(guest, 11));
            guest.Send("hello guest"u8);
            return line;
        });

        // struct sockaddr_vm: family, reserved, port, cid, flags.
        Assert.Contains("[hello guest]", run(
            $"LD_LIBRARY_PATH=/a {perl} 'socket(S,40,1,0)||die $!; connect(S,pack(\"SSLLL\",40,0,99,2,0))||die $!; syswrite(S,\"hello host!\"); sysread(S,$x,11); print \"[$x]\\n\"'"), StringComparison.Ordinal);
        Assert.Equal("hello host!", heard.Result);

        run($"({perl} 'socket(S,40,1,0)||die $!; bind(S,pack(\"SSLLL\",40,0,55,0xffffffff,0))||die $!; listen(S,1); print STDERR \"list\",\"ening\\n\"; accept(C,S); sysread(C,$x,4); syswrite(C,\"<$x>\")' 2>/tmp/up &)");
        run("until grep -q listening /tmp/up; do sleep 0.1; done");
        using Socket host = Connect("vsock");
        host.Send("CONNECT 55\n"u8);
        Assert.StartsWith("OK ", Encoding.ASCII.GetString(ReadLine(host)), StringComparison.Ordinal);
        host.Send("ping"u8);
        Assert.Equal("<ping>", Encoding.ASCII.GetString(ReadAll(host, 6)));
    }

    private MachineRunner Build(TranslatorEngines engines, GuestShell shell, string share)
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        var domain = new DomainRequest
        {
            Name = "guest",
            Uuid = new Guid("5c146b14-3c52-8afd-938a-375d0df1fbf6"),
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            CommandLine = "console=ttyS0,115200 panic=-1 quiet bulkhead.task=shell",
            Disks = [new DiskRequest { Path = this["disk"], Mmio = true }],
            Entropy = true,
            Balloon = true,
            Vsock = new VsockRequest(Cid, this["vsock"], []),
            Shares = [new ShareRequest(share, "share", true)],
            Console = new ConsoleRequest(this["console"], 100, 30),
            Ports = [new PortRequest("org.test.one", this["one"]), new PortRequest("org.test.two", this["two"])],
            ConsoleOutput = See,
            Serial = shell.Write,
        };
        return MachineRunner.Build(new MachineRequest { Domains = [domain] }, engines.Seam);
    }

    private Socket Connect(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = LongestMs, SendTimeout = LongestMs };
        socket.Connect(new UnixDomainSocketEndPoint(this[name]));
        return socket;
    }

    private static byte[] ReadAll(Socket socket, int count)
    {
        byte[] data = new byte[count];
        for (int at = 0; at < count;)
        {
            int got = socket.Receive(data.AsSpan(at));
            Assert.NotEqual(0, got);
            at += got;
        }

        return data;
    }

    private static byte[] ReadLine(Socket socket)
    {
        var line = new List<byte>();
        do
        {
            line.AddRange(ReadAll(socket, 1));
        }
        while (line[^1] != '\n');

        return [.. line];
    }

#pragma warning disable CA5351 // The guest's busybox and we compare; nobody is kept out.
    private static string Md5(byte[] data) => Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(data));
#pragma warning restore CA5351

    /// <summary>Copies the host's perl, which every Debian has, with its libraries.</summary>
    private static void CopyPerl(string to)
    {
        using Process ldd = Process.Start(new ProcessStartInfo("/usr/bin/ldd", ["/usr/bin/perl"]) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("there is no ldd");
        foreach (string word in ldd.StandardOutput.ReadToEnd().Split((char[])[' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries).Where(static w => w.StartsWith('/')))
        {
            string name = word.Contains("/ld-linux", StringComparison.Ordinal) ? "ld" : Path.GetFileName(word);
            File.Copy(word, Path.Combine(to, name), overwrite: true);
        }

        File.Copy("/usr/bin/perl", Path.Combine(to, "perl"));
    }
}
