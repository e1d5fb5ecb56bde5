using Bulkhead.Machine.Tests.Boot;
using Xunit;

namespace Bulkhead.Cli.Tests;

/// <summary>The program from outside, with a guest of a few bytes.</summary>
public sealed class ProcessTests : IDisposable
{
    // Prints "A" and a line feed on COM1, then runs in a circle.
    private static readonly byte[] s_circle =
    [
        0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'A', 0xEE, 0xB0, (byte)'\n', 0xEE, 0xF3, 0x90, 0xEB, 0xFC,
    ];

    // The same, then writes the line feed's value, 10, to the debug exit.
    private static readonly byte[] s_exit = [.. s_circle[..10], 0x66, 0xBA, 0xF4, 0x00, 0xEE];

    // The same, then sends back what it receives, for ever.
    private static readonly byte[] s_echoAfterA =
    [
        .. s_circle[..10], 0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xF7, 0x66, 0xBA, 0xF8, 0x03, 0xEC, 0xEE, 0xEB, 0xEF,
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-process").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("INT", 130, "interrupted")]
    [InlineData("TERM", 143, "terminated")]
    [InlineData("HUP", 129, "hung up")]
    public void Run_Signal_EndsWithItsCode(string signal, int code, string words)
    {
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_circle)]);
        Assert.NotNull(bulkhead.ReadLineWith("A"));

        bulkhead.Signal(signal);

        (int exitCode, _, string errors) = bulkhead.End();
        Assert.Equal((code, $"bulkhead: {words}\n"), (exitCode, errors));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public void Up_Signal_PrintsSharesAndEndsWithItsCode(string signal, int code)
    {
        using var bulkhead = new BulkheadProcess(_folder, ["up", WriteSystem(), "--stats", "--grace", "1ms"]);
        Assert.NotNull(bulkhead.ReadLineWith("box| A"));

        bulkhead.Signal(signal);

        (int exitCode, string output, string errors) = bulkhead.End();
        Assert.Equal((code, string.Empty), (exitCode, errors));
        Assert.Contains("% by weight", output, StringComparison.Ordinal);
        Assert.Contains("box vCPU 0: ran ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void Test_Signal_EndsWithItsCode(string signal, int code)
    {
        using var bulkhead = new BulkheadProcess(_folder, ["test", WriteSystem(", expect: ['console \"never\" within 1h']"), "--verbose"]);
        Assert.NotNull(bulkhead.ReadLineWith("box| A"));

        bulkhead.Signal(signal);

        (int exitCode, string output, _) = bulkhead.End();
        Assert.Equal(code, exitCode);
        Assert.EndsWith("0 passed, 1 failed\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("up")]
    [InlineData("test")]
    [InlineData("validate")]
    public void MissingFiles_AreRefusedBeforeAnythingStarts(string command)
    {
        string system = WriteSystem(", disks: [{file: none.img}], shares: [{folder: none}], expect: exit 0");
        using var bulkhead = new BulkheadProcess(_folder, [command, system]);

        (int exitCode, string output, string errors) = bulkhead.End();

        Assert.Equal((2, string.Empty), (exitCode, output));
        string[] lines = errors.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith($"bulkhead: {system}:2:", lines[0], StringComparison.Ordinal);
        Assert.Contains($": domains[0].disks[0].file: {_folder}/none.img: there is no such file; give the path of a disk image", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"bulkhead: {system}:2:", lines[1], StringComparison.Ordinal);
        Assert.Contains($": domains[0].shares[0].folder: {_folder}/none: there is no such folder; give the path of a folder", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void SignalsThatAreInherited_EndNoGuest_AndHideNoChild()
    {
        const int Child = 17, FileSize = 25;
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_circle)]);
        Assert.NotNull(bulkhead.ReadLineWith("A"));

        IReadOnlyList<int> ignored = bulkhead.IgnoredSignals();

        Assert.Contains(FileSize, ignored);
        Assert.DoesNotContain(Child, ignored);
    }

    [Fact]
    public void Ps_PlaceThatCannotBeRead_IsNotNoSystem()
    {
        string place = Path.Combine(_folder, new string('a', 300)); // a name that no file system takes
        using var bulkhead = new BulkheadProcess(place, ["ps"]);

        (int exitCode, _, string errors) = bulkhead.End();

        Assert.Equal(2, exitCode);
        Assert.StartsWith($"bulkhead: {place}/bulkhead: ", errors, StringComparison.Ordinal);
        Assert.EndsWith(" Set XDG_RUNTIME_DIR to a folder of your own.\n", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WithoutStandardInput_TypesNothing()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_echoAfterA), "--timeout", "2s"], "<&-");

        (int exitCode, string output, _) = bulkhead.End();

        Assert.Equal((124, "A\n"), (exitCode, output));
    }

    [Theory]
    [InlineData("schema", 1)]
    [InlineData("--help", 1)]
    [InlineData("validate FILE", 1)]
    [InlineData("simulate FILE", 1)]
    [InlineData("run --kernel KERNEL --debug-exit", 21)]
    public void OutputThatCannotBeWritten_IsSaid_AndIsAnErrorUnlessThereIsOne(string arguments, int code)
    {
        string line = arguments.Replace("FILE", WriteSystem(), StringComparison.Ordinal).Replace("KERNEL", WriteKernel(s_exit), StringComparison.Ordinal);
        using var bulkhead = new BulkheadProcess(_folder, line.Split(' '), ">/dev/full");

        (int exitCode, _, string errors) = bulkhead.End();

        Assert.Equal(code, exitCode);
        Assert.EndsWith("bulkhead: standard output: No space left on device; give it a place that takes what is written.\n", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void OutputThatNobodyReads_IsNoError()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["schema"]);

        Assert.Equal(0, bulkhead.EndUnread());
    }

    [Fact]
    public void Validate_ManyDomains_NamesThoseThatMatterMost_AndTheOthersTogether()
    {
        string path = Path.Combine(_folder, "many.yaml");
        File.WriteAllText(path, $"domains:\n{string.Concat(Enumerable.Range(0, 30).Select(i => $"- {{name: d{i}, kernel: {WriteKernel(s_circle)}}}\n"))}");
        using var bulkhead = new BulkheadProcess(_folder, ["validate", path]);

        (int exitCode, string output, _) = bulkhead.End();

        Assert.Equal(0, exitCode);
        string[] own = [.. output.Split('\n').SkipWhile(static l => !l.StartsWith("  d0/0 ", StringComparison.Ordinal)).Skip(1).TakeWhile(static l => l.StartsWith("    ", StringComparison.Ordinal))];
        Assert.Equal(("    the turn's end", "    d1/0", "    d19/0", "    10 others"), (Name(own[0]), Name(own[1]), Name(own[^2]), Name(own[^1])));
        Assert.Contains(" 22.001", own[^1], StringComparison.Ordinal);

        static string Name(string line) => line[..25].TrimEnd();
    }

    [Fact]
    public void Up_DurationOver_EndsAndPrintsShares()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["up", WriteSystem(), "--duration", "1ms", "--grace", "0"]);

        Assert.NotNull(bulkhead.ReadLineWith("wakeP99"));
        Assert.NotNull(bulkhead.ReadLineWith(" running "));
        Assert.NotNull(bulkhead.ReadLineWith("% by weight; stopped with the system"));
        Assert.Equal(0, bulkhead.End().ExitCode);
    }

    [Fact]
    public void Run_SerialFile_HasTheOutput()
    {
        string file = Path.Combine(_folder, "out");
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_exit), "--serial", "file:" + file, "--debug-exit"]);

        (int exitCode, string output, _) = bulkhead.End();

        Assert.Equal((21, string.Empty, "A\n"), (exitCode, output, File.ReadAllText(file)));
    }

    [Fact]
    public void Run_ProfileThatCannotBeWritten_SaysSo_AndKeepsTheGuestsCode()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_exit), "--serial", "none", "--debug-exit", "--profile", "/dev/full"]);

        (int exitCode, _, string errors) = bulkhead.End();

        Assert.Equal(21, exitCode);
        Assert.Contains("bulkhead: --profile /dev/full: writing broke off: ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Test_JUnitThatCannotBeMade_IsRefusedBeforeAnythingStarts()
    {
        string junit = Path.Combine(_folder, "none", "result.xml");
        using var bulkhead = new BulkheadProcess(_folder, ["test", WriteSystem(", expect: ['console \"never\" within 1h']"), "--junit", junit]);

        (int exitCode, string output, string errors) = bulkhead.End();

        Assert.Equal((2, string.Empty), (exitCode, output));
        Assert.Contains($"bulkhead: --junit {junit}: ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Simulate_ToAFullDisk_SaysSo()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["simulate", WriteSystem(), "--output", "/dev/full"]);

        (int exitCode, _, string errors) = bulkhead.End();

        Assert.Equal(1, exitCode);
        Assert.StartsWith("bulkhead: ", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public void Run_SerialNone_PrintsNothing()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_exit), "--serial", "none", "--debug-exit", "--stats"]);

        (int exitCode, string output, string errors) = bulkhead.End();

        Assert.Equal((21, string.Empty), (exitCode, output));
        Assert.Contains("guest vCPU 0: ran ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Timeout_EndsWithItsCode()
    {
        using var bulkhead = new BulkheadProcess(_folder, ["run", "--kernel", WriteKernel(s_circle), "--timeout", "1ms"]);

        Assert.Equal(124, bulkhead.End().ExitCode);
    }

    private string WriteKernel(byte[] code)
    {
        string path = Path.Combine(_folder, "kernel");
        File.WriteAllBytes(path, SyntheticKernel.Pvh(code));
        return path;
    }

    private string WriteSystem(string more = "")
    {
        string path = Path.Combine(_folder, "system.yaml");
        File.WriteAllText(path, $"pools: [{{ name: shared, cpus: [last], realtime: never }}]\ndomains: [{{ name: box, kernel: {WriteKernel(s_circle)}{more} }}]");
        return path;
    }
}
