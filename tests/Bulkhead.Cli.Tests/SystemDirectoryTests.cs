using System.Diagnostics;
using System.Runtime.Versioning;
using Bulkhead.Machine.Tests.Boot;
using Xunit;

namespace Bulkhead.Cli.Tests;

/// <summary>Where control sockets stand, and where they cannot.</summary>
[SupportedOSPlatform("linux")]
public sealed class SystemDirectoryTests : IDisposable
{
    private const string Nobody = "65534";

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-place").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("up", "FILE", "--name", "box")]
    [InlineData("ps", "--system", "box")]
    [InlineData("stop", "guest", "--system", "box")]
    public void PathTooLong_NamesTheLimitAndWhatToDo(params string[] line)
    {
        string place = Directory.CreateDirectory(Path.Combine(_folder, new string('a', 100))).FullName;

        (int exitCode, string errors) = Run(place, line);

        string socket = $"{place}/bulkhead/box.sock";
        Assert.Equal((2, $"bulkhead: control socket {socket}: the path has {socket.Length} bytes, and a socket's has 107 at most; "
            + "give the system a shorter name by --name, or set XDG_RUNTIME_DIR to a folder of your own with a shorter path.\n"), (exitCode, errors));
    }

    [Theory]
    [InlineData("up", "FILE")]
    [InlineData("ps")]
    [InlineData("console", "box")]
    [InlineData("down", "--system", "box")]
    public void FolderThatOthersMayUse_IsRefused(params string[] line)
    {
        string place = Directory.CreateDirectory(Path.Combine(_folder, "bulkhead")).FullName;
        File.SetUnixFileMode(place, (UnixFileMode)0x1FF);

        (int exitCode, string errors) = Run(_folder, line);

        Assert.Equal((2, $"bulkhead: {place}: others may use it (mode 777; 700 is right), so what listens there may be another's; "
            + "remove it, or give it to this user alone (chmod 700). Set XDG_RUNTIME_DIR to a folder of your own.\n"), (exitCode, errors));
    }

    [Theory]
    [InlineData("up", "FILE")]
    [InlineData("ps")]
    public void LinkToAFolder_IsRefused(params string[] line)
    {
        string place = Path.Combine(_folder, "bulkhead");
        File.CreateSymbolicLink(place, Directory.CreateDirectory(Path.Combine(_folder, "elsewhere"), (UnixFileMode)0x1C0).FullName);

        (int exitCode, string errors) = Run(_folder, line);

        Assert.Equal(2, exitCode);
        Assert.StartsWith($"bulkhead: {place}: that is no folder (nor may it be a link to one), so what listens there may be another's; ", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up", "FILE")]
    [InlineData("ps")]
    public void FolderOfAnotherUser_IsRefused(params string[] line)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a folder to somebody else.");
        string place = Directory.CreateDirectory(Path.Combine(_folder, "bulkhead"), (UnixFileMode)0x1C0).FullName;
        using (Process chown = Process.Start("chown", [Nobody, place]))
        {
            chown.WaitForExit();
        }

        (int exitCode, string errors) = Run(_folder, line);

        Assert.Equal(2, exitCode);
        Assert.StartsWith($"bulkhead: {place}: it belongs to another user (number {Nobody}), so what listens there may be another's; ", errors, StringComparison.Ordinal);
    }

    private (int ExitCode, string Errors) Run(string runtime, string[] line)
    {
        string kernel = Path.Combine(_folder, "kernel"), system = Path.Combine(_folder, "box.yaml");
        File.WriteAllBytes(kernel, SyntheticKernel.Pvh([0xF4]));
        File.WriteAllText(system, $"domains: [{{ name: box, kernel: {kernel} }}]");
        using var bulkhead = new BulkheadProcess(runtime, [.. line.Select(word => word == "FILE" ? system : word)]);
        (int exitCode, _, string errors) = bulkhead.End();
        return (exitCode, errors);
    }
}
