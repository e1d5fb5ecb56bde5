using Bulkhead.Cli.Machines;
using Bulkhead.Host.Memory;
using Bulkhead.Machine.Tests.Boot;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class MemoryWarningTests : IDisposable
{
    private const ulong Gi = 1UL << 30;

    // Prints "A" and a line feed, whose value, 10, it writes to the debug exit; without one it runs in a circle.
    private static readonly byte[] s_exit =
    [
        0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'A', 0xEE, 0xB0, (byte)'\n', 0xEE, 0x66, 0xBA, 0xF4, 0x00, 0xEE, 0xF3, 0x90, 0xEB, 0xFC,
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-memory").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Of_AsMuchAsThereIs_SaysNothing() => Assert.Null(MemoryWarning.Of([("a", Gi), ("b", Gi)], "memory", new HostMemory(2 * Gi, "f", IsLimit: false)));

    [Fact]
    public void Of_HostThatSaysNothing_SaysNothing() => Assert.Null(MemoryWarning.Of([("a", Gi)], "memory", null));

    [Fact]
    public void Of_MoreThanTheHostHas_SaysSumsAndWhatToChange() => Assert.Equal(
        "guest memory is 3Gi (b 2Gi, a 1Gi), and the host has 3071Mi of it: what is available now (/proc/meminfo, MemAvailable); a guest gets memory as it touches it, "
        + "and where there is no more the host's kernel kills this process and with it every guest; lower memory of domains, or free memory of the host",
        MemoryWarning.Of([("a", Gi), ("b", 2 * Gi)], "memory of domains", new HostMemory((3 * Gi) - 1, "/proc/meminfo", IsLimit: false)));

    [Fact]
    public void Of_MoreThanTheCgroupHas_NamesItsLimit()
    {
        string? words = MemoryWarning.Of([.. Enumerable.Range(0, 12).Select(static i => ($"d{i}", Gi))], "memory of domains", new HostMemory(Gi, "/sys/fs/cgroup/a/memory.max", IsLimit: true));

        Assert.StartsWith("guest memory is 12Gi (d0 1Gi, d1 1Gi, ", words, StringComparison.Ordinal);
        Assert.Contains(" d7 1Gi and 4 more), and the host has 1Gi of it: the limit of this process's cgroup (/sys/fs/cgroup/a/memory.max); ", words, StringComparison.Ordinal);
        Assert.EndsWith("; lower memory of domains, or raise that limit", words, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("up", "--duration", "1ms", "--grace", "0")]
    public void System_WithMoreThanTheHostHas_IsWarnedOf_AndStarts(string command, params string[] options)
    {
        string system = Path.Combine(_folder, "system.yaml");
        File.WriteAllText(system, $"domains: [{{ name: a, kernel: {WriteKernel()}, memory: 1Ti }}, {{ name: b, kernel: {WriteKernel()}, memory: 512Gi }}]");
        using var bulkhead = new BulkheadProcess(_folder, [command, system, .. options]);

        (int exitCode, string output, string errors) = bulkhead.End();

        Assert.Contains($"{system}: guest memory is 1536Gi (a 1Ti, b 512Gi), and the host has ", output + errors, StringComparison.Ordinal);
        Assert.Equal((0, command == "validate"), (exitCode, errors.Length > 0));
    }

    [Fact]
    public void Run_WithMoreThanTheHostHas_IsWarnedOf_AndStarts()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(), "--memory", "1T", "--debug-exit"]);

        (int exitCode, _, string errors) = bulkhead.End();

        Assert.Equal(21, exitCode);
        Assert.StartsWith("bulkhead: guest memory is 1Ti (guest 1Ti), and the host has ", errors, StringComparison.Ordinal);
        Assert.Contains("; lower --memory, or ", errors, StringComparison.Ordinal);
    }

    private string WriteKernel()
    {
        string path = Path.Combine(_folder, "kernel");
        File.WriteAllBytes(path, SyntheticKernel.Pvh(s_exit));
        return path;
    }
}
