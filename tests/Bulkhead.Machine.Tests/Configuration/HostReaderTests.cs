using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

/// <summary>What a system file names of the host, where the system is to run.</summary>
public sealed class HostReaderTests : IDisposable
{
    private static readonly string[] s_images = ["debian", "debian-rt"];

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-host-reader").FullName;

    public HostReaderTests()
    {
        File.WriteAllText(Path.Combine(_folder, "file"), "x");
        Directory.CreateDirectory(Path.Combine(_folder, "folder"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("kernel: none", "kernel: ", "none: there is no such file; give the path of a file")]
    [InlineData("kernel: folder", "kernel: ", "folder: that is a folder; give the path of a file")]
    [InlineData("kernel: file, initrd: none", "initrd: ", "none: there is no such file; give the path of a file")]
    [InlineData("kernel: file, modules: [{file: file}, {file: none}]", "modules[1].file: ", "none: there is no such file; give the path of a file")]
    [InlineData("kernel: file, disks: [{file: none}]", "disks[0].file: ", "none: there is no such file; give the path of a disk image")]
    [InlineData("kernel: file, shares: [{folder: none}]", "shares[0].folder: ", "none: there is no such folder; give the path of a folder")]
    [InlineData("kernel: file, shares: [{folder: file}]", "shares[0].folder: ", "file: that is a file; give the path of a folder")]
    [InlineData("kernel: file, console: {path: none/socket}", "console.path: ", "none/socket: there is no folder ")]
    [InlineData("kernel: file, ports: [{name: p, path: none/socket}]", "ports[0].path: ", "none/socket: there is no folder ")]
    [InlineData("kernel: file, vsock: {cid: 3, path: none/socket}", "vsock.path: ", "none/socket: there is no folder ")]
    [InlineData("firmware: none, disks: [{file: file}]", "firmware: ", "none: there is no such file; give the path of a firmware, or one of seabios, ovmf")]
    [InlineData("firmware: file, variables: none/vars, disks: [{file: file}]", "variables: ", "none/vars: there is no folder ")]
    [InlineData("image: debain", "image: ", "\"debain\" is no guest image; one of debian, debian-rt; did you mean debian?")]
    public void WhatIsNotThere_IsAnErrorAtItsPlace_OnlyWhereTheSystemIsToRun(string fields, string field, string words)
    {
        string text = $"domains:\n  - {{name: a, {fields}}}\n";
        string[] lines = Fault(text).Split('\n');

        Assert.Contains(lines, line => line.StartsWith($"{FilePath}:2:", StringComparison.Ordinal)
            && line.Contains($": domains[0].{field}", StringComparison.Ordinal) && line.Contains(words, StringComparison.Ordinal));
        Assert.Single(SystemFile.Parse(FilePath, text).Domains);
    }

    [Fact]
    public void SeveralMissingFiles_AreAllReported_WithOtherErrors()
    {
        string[] lines = Fault("domains:\n- name: a\n  kernel: k\n  disks: [{file: d}]\n  memory: 5x\n- name: b\n  kernel: file\n  initrd: i\n").Split('\n');

        Assert.Equal(["3:11", "4:18", "5:11", "8:11"], lines.Select(l => l[(FilePath.Length + 1)..].Split(": ")[0]));
    }

    [Fact]
    public void WhatIsThere_OrIsMadeWhenItStarts_IsTaken()
    {
        SystemConfig system = SystemFile.Parse(
            FilePath,
            "domains: [{name: a, image: debian, console: {path: new}, ports: [{name: p, path: new2}], vsock: {cid: 3, path: file}, shares: [{folder: folder}], disks: [{file: /dev/null}]}, {name: b, kernel: file}]",
            s_images);

        Assert.Equal(2, system.Domains.Count);
    }

    private string FilePath => Path.Combine(_folder, "s.yaml");

    private string Fault(string text)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => SystemFile.Parse(FilePath, text, s_images));
        Assert.Equal(2, e.ExitCode);
        return e.Message;
    }
}
