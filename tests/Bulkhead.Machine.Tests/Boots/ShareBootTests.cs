using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>An unmodified Debian works in folders of the host.</summary>
public sealed class ShareBootTests : IDisposable
{
    private const int LongestMs = 300_000;
    private const string Sums = "find . -type f | sort | xargs md5sum | md5sum";

    private readonly string _above = Directory.CreateTempSubdirectory("shares").FullName;

    public void Dispose() => Directory.Delete(_above, recursive: true);

    [Fact]
    public void Debian_MountsFolders_AndTheTreesAreTheSameOnBothSides()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_above, "s")).FullName;
        string fixedFolder = Directory.CreateDirectory(Path.Combine(_above, "fixed")).FullName;
        File.WriteAllText(Path.Combine(_above, "outside"), "secret");
        File.WriteAllText(Path.Combine(fixedFolder, "a"), "fixed");
        MakeTree(Path.Combine(folder, "host"));
        File.CreateSymbolicLink(Path.Combine(folder, "passwd"), "/etc/passwd");
        var shell = new GuestShell();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        using MachineRunner runner = Build(engines, shell, new ShareRequest(folder, "data", false), new ShareRequest(fixedFolder, "fixed", true));
        runner.Start();
        try
        {
            string Run(string line) => shell.Run(runner.Domains[0], line);
            Run("mkdir /a /b && mount -t virtiofs data /a && mount -t virtiofs fixed /b");

            // A tree of the host's, and the guest's copy of it, which the host reads.
            string sum = Shell(Path.Combine(folder, "host"), Sums);
            Assert.Contains(sum, Run($"cd /a/host; {Sums}"), StringComparison.Ordinal);
            Assert.Contains(sum, Run($"cp -r /a/host /a/guest; cd /a/guest; sync; {Sums}"), StringComparison.Ordinal);
            Assert.Equal(sum, Shell(Path.Combine(folder, "guest"), Sums));
            Assert.Contains("left: 0", Run("cd /a; rm -r /a/guest/d1; echo left: $(ls -d /a/guest/d1 2>/dev/null | wc -l)"), StringComparison.Ordinal);
            Assert.False(Directory.Exists(Path.Combine(folder, "guest/d1")));

            // Links are the guest's to follow, and no name leads up.
            Assert.Contains("of the guest", Run("echo of the gu\"\"est >/etc/passwd; cat /a/passwd"), StringComparison.Ordinal);
            Assert.DoesNotContain("secret", Run("cat /a/../outside /a/host/../../outside; ln -s ../outside up; cat up; ls -a /a/.."), StringComparison.Ordinal);
            Assert.Equal("../outside", new FileInfo(Path.Combine(folder, "up")).LinkTarget);

            // Names, times, rights, and files that have lost their name.
            Run("cd /a; echo kept >x; ln x y; mv x z; chmod 640 z; touch -d '2020-01-02 03:04:05' z; exec 5<>z; rm y z; echo more >&5");
            Assert.Contains("0 z", Run("cat <&5; exec 5<&-; echo $(ls z 2>/dev/null | wc -l) z"), StringComparison.Ordinal);
            Assert.Contains("-rw-r-----", Run("echo 1 >m; chmod 640 m; dd if=m of=n bs=1 conv=fsync 2>/dev/null; ls -l m"), StringComparison.Ordinal);
            Assert.Equal("1\n", File.ReadAllText(Path.Combine(folder, "n")));
            Assert.Contains("not permitted", Run("chown 5 m"), StringComparison.Ordinal);
            Assert.Contains("not permitted", Run("mknod dev c 1 3"), StringComparison.Ordinal);

            // A file mapped by a program, and one that the host changes meanwhile.
            Run("cp /bin/busybox /a/busybox");
            Assert.Contains("runs", Run("/a/busybox echo ru\"\"ns"), StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, "m"), "the host's\n");
            Assert.Contains("the host's", Run("sleep 1.1; cat m"), StringComparison.Ordinal);

            Assert.Contains("Read-only", Run("touch /b/new"), StringComparison.Ordinal);
            Assert.Contains("Read-only", Run("rm /b/a"), StringComparison.Ordinal);
            Assert.Contains("fixed", Run("cat /b/a"), StringComparison.Ordinal);
            Assert.Contains("again", Run("cd /; umount /a && mount -t virtiofs data /a && [ -e /a/host ] && echo aga\"\"in"), StringComparison.Ordinal);
            shell.Type(runner.Domains[0], "poweroff -f");
            Assert.True(runner.Wait(LongestMs), shell.Text);
            Assert.Equal((0, "powered off"), (runner.Results()[0].ExitCode, runner.Results()[0].Message));
            Assert.Equal("secret", File.ReadAllText(Path.Combine(_above, "outside")));
        }
        finally
        {
            runner.Stop(0, "the test is over");
            _ = runner.Wait(LongestMs);
        }
    }

    private static MachineRunner Build(TranslatorEngines engines, GuestShell shell, params ShareRequest[] shares)
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        var domain = new DomainRequest
        {
            Name = "guest",
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            CommandLine = "console=ttyS0,115200 panic=-1 quiet bulkhead.task=shell",
            Shares = shares,
            Serial = shell.Write,
        };
        return MachineRunner.Build(new MachineRequest { Domains = [domain] }, engines.Seam);
    }

    private static void MakeTree(string at)
    {
        var random = new Random(11);
        for (int d = 0; d < 4; d++)
        {
            for (int e = 0; e < 5; e++)
            {
                string folder = Directory.CreateDirectory(Path.Combine(at, $"d{d}", $"e{e}")).FullName;
                for (int f = 0; f < 10; f++)
                {
                    byte[] data = new byte[f == 9 ? 300_000 : random.Next(9000)];
                    random.NextBytes(data);
                    File.WriteAllBytes(Path.Combine(folder, $"file {f}".Replace(' ', '_')), data);
                }
            }
        }
    }

    /// <summary>What a shell of the host prints in a folder.</summary>
    private static string Shell(string folder, string line)
    {
        var start = new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", line]) { WorkingDirectory = folder, RedirectStandardOutput = true };
        start.Environment["LC_ALL"] = "C";
        using System.Diagnostics.Process shell = System.Diagnostics.Process.Start(start) ?? throw new InvalidOperationException("there is no shell");
        return shell.StandardOutput.ReadToEnd().Trim();
    }
}
