using System.Diagnostics;
using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Disks;
using Xunit;

namespace Bulkhead.Images.Tests.Disks;

public sealed class MmdebstrapTests
{
    [Fact]
    public void ParsePlan_OutputOfApt_GivesEachPackageOnce()
    {
        IReadOnlyList<DebianPackage> packages = Mmdebstrap.ParsePlan(
        [
            "I: simulate downloading packages with apt...",
            "Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []",
            "Inst base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])",
            "Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])",
            "Inst udev [252.1] (252.39-1~deb12u2 Debian:12.15/oldstable [amd64])",
            "Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])",
        ]);

        Assert.Equal([("base-files", "12.4+deb12u15"), ("libc6", "2.36-9+deb12u14"), ("udev", "252.39-1~deb12u2")], packages.Select(p => (p.Name, p.Version)));
    }

    [Theory]
    [InlineData("E: You don't have enough free space in /var/cache/apt/archives/.\ntar: root/x: Cannot write: No space left on device", "the disk is full")]
    [InlineData("W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.debian.org'\nE: apt-get update failed", "the mirror's name does not resolve")]
    [InlineData("E: Unable to locate package no-such\nE: apt-get failed", "the suite has no package of that name")]
    [InlineData("I: using /home/a/mmdebstrap.z5 as tempdir\nE: cannot create /home/a/mmdebstrap.z5: Permission denied", "the folder for temporary files (TMPDIR, else /tmp) must be open to every user")]
    [InlineData("E: something new", "its output says why")]
    public void Explain_OutputOfABuild_NamesTheCauseAndShowsTheLines(string output, string cause)
    {
        OperatorException error = BuildTrouble.Explain("debian-full", "bookworm", output.Split('\n'));

        Assert.StartsWith($"The image 'debian-full' could not be made of bookworm: {cause}", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(output.Split('\n')[^1], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_ProgramThatIsNotThere_NamesItsPackage()
    {
        OperatorException error = Assert.Throws<OperatorException>(() => HostTool.Require("disks are made with", "sh", "no-such-program", "newuidmap-no"));

        Assert.StartsWith("no-such-program, newuidmap-no cannot be run; disks are made with them. Install no-such-program newuidmap-no", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("it's; $HOME \"`\\")]
    public void Quote_Word_IsReadBackByAShell(string word)
    {
        using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"printf %s {Mmdebstrap.Quote(word)}"]) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("The shell did not start.");

        Assert.Equal(word, shell.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void Read_DpkgsList_GivesWhatIsInstalled()
    {
        IReadOnlyList<DebianPackage> packages = DpkgStatus.Read(
            "Package: b\nStatus: install ok installed\nVersion: 2\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: a\nStatus: install ok installed\nVersion: 1:1\n");

        Assert.Equal([("a", "1:1"), ("b", "2")], packages.Select(p => (p.Name, p.Version)));
    }
}
