using System.Text.Json;
using Xunit;

namespace Bulkhead.Cli.Tests;

/// <summary>What an operator learns of a disk that the host cannot write: here since files may not be so long.</summary>
public sealed class DiskFailureTests : IDisposable
{
    private const string Refused = " cannot be written: File too large (errno 27); raise the limit of a file's size (ulimit -f)."
        + " The guest gets I/O errors until that is mended, and may have to be started again.";

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-disk").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", "")]
    [InlineData(",snapshot", " stands on {0}/(unnamed), which")]
    public void Run_DiskThatTheHostCannotWrite_IsSaidOnce(string options, string file)
    {
        string temporary = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } set ? set : "/var/tmp";
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(), "--disk", $"{WriteDisk()},bus=mmio{options}", "--debug-exit"]);
        Assert.NotNull(bulkhead.ReadLineWith("A"));
        bulkhead.Limit("fsize=4096");

        bulkhead.Type("x");

        (int exitCode, string output, string errors) = bulkhead.End();
        Assert.Equal((21, "B\n"), (exitCode, output));
        Assert.Equal($"bulkhead: guest: disk {WriteDisk()}{file.Replace("{0}", temporary, StringComparison.Ordinal)}{Refused}\nbulkhead: debug exit\n", errors);
    }

    [Fact]
    public void Up_DiskThatTheHostCannotWrite_IsANoteOfItsDomain()
    {
        string system = Path.Combine(_folder, "system.yaml");
        File.WriteAllText(system, $"domains: [{{ name: box, kernel: {WriteKernel()}, disks: [{{ file: {WriteDisk()}, bus: mmio }}] }}]");
        using var up = new BulkheadProcess(_folder, ["up", system, "--json"]);
        Assert.NotNull(up.ReadLineWith("\"A\""));
        up.Limit("fsize=4096");
        using var console = new BulkheadProcess(_folder, ["console", "box"]);

        console.Type("x");

        Assert.NotNull(console.ReadLineWith("B"));
        using var down = new BulkheadProcess(_folder, ["down"]);
        Assert.Equal(0, down.End().ExitCode);
        string?[] notes = [.. up.End().Output.TrimEnd().Split('\n').Select(static line => JsonDocument.Parse(line).RootElement)
            .Where(static record => record.GetProperty("type").GetString() == "note").Select(static record => record.GetProperty("text").GetString())];
        Assert.Single(notes, $"box: disk {WriteDisk()}{Refused}");
    }

    private string WriteKernel()
    {
        string path = Path.Combine(_folder, "kernel");
        File.WriteAllBytes(path, DiskGuest.Kernel());
        return path;
    }

    private string WriteDisk()
    {
        string path = Path.Combine(_folder, "disk.img");
        using FileStream file = File.Open(path, FileMode.OpenOrCreate);
        file.SetLength(1 << 20);
        return path;
    }
}
