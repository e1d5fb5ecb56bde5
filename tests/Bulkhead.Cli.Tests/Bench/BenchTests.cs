using System.Text.Json.Nodes;
using System.Xml.Linq;
using Bulkhead.Tools.Bench;
using Bulkhead.Tools.Bench.Runners;
using Xunit;

namespace Bulkhead.Cli.Tests.Bench;

public sealed class BenchTests
{
    private static readonly JsonObject s_place = new() { ["date"] = "today", ["host"] = "here", ["load"] = "0" };

    [Theory]
    [InlineData(new double[] { 3 }, 3)]
    [InlineData(new double[] { 9, 1, 2 }, 2)]
    [InlineData(new double[] { 4, 1, 2, 9 }, 3)]
    public void Median_OfValues_IsTheMiddle(double[] values, double median) => Assert.Equal(median, Statistics.Median(values));

    [Fact]
    public void GeometricMean_LeavesOutWhatIsNoNumber()
    {
        Assert.Equal(4, Statistics.GeometricMean([2, double.NaN, 8]), 12);
        Assert.True(double.IsNaN(Statistics.GeometricMean([])));
    }

    [Fact]
    public void Measurement_OfLines_TakesTimesAndSum()
    {
        Measurement m = Measurement.Parse(["noise", "bench sort 3000000 00ff\r", "bench sort 1000000 00ff"]);
        Assert.Equal([3000000, 1000000], m.Nanoseconds);
        Assert.Equal(("00ff", 2e6), (m.Sum, m.Median));
        Assert.Empty(Measurement.Parse(["bench aes unsupported"]).Nanoseconds);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("bench sort 12 0a|bench sort 12 0b")]
    [InlineData("bench sort x 0a")]
    [InlineData("bench sort 1")]
    public void Measurement_OfOtherLines_IsAnError(string lines) => Assert.Throws<FormatException>(() => Measurement.Parse(lines.Split('|')));

    [Fact]
    public void Row_OfThreePlaces_KnowsItsRatiosAndWhetherTheyAgree()
    {
        Row row = Sample("sort", 10, 15, 60);
        Assert.Equal((1.5, 6.0, 4.0, true), (row.ToNative, row.QemuToNative, row.AheadOfQemu, row.Agrees));
        Assert.False((row with { Qemu = new Measurement([1], "2") }).Agrees);
        Assert.True((row with { Qemu = new Measurement([], "") }).Agrees);
        Assert.True(double.IsNaN((row with { Bulkhead = null }).ToNative));
    }

    [Fact]
    public void Reports_OfAClass_HoldItsRows()
    {
        WorkloadClass integer = Classes.Of("integer");
        Row[] rows = [Sample("sort", 10, 15, 60), Sample("odd <&", 1, 1, 1) with { Qemu = null }];
        JsonObject json = Report.Json(integer, rows, s_place);
        string[] words = Report.Table(integer, rows).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["sort", "10.0", "15.0", "15.0-15.0", "60.0", "1.50x", "4.00x"], words.SkipWhile(w => w != "sort").Take(7));
        Assert.Contains("| sort | what sort does | 10.0 | 15.0 | 60.0 | 1.50x | 4.00x |", Report.Markdown([json]), StringComparison.Ordinal);
        Assert.Contains("| integer | 1.22x | 4.00x | 6.00x | at most", Report.Markdown([json]), StringComparison.Ordinal); // of the rows that have them
        Assert.Equal("svg", XDocument.Parse(RatioPlot.Draw([Report.Json(integer, rows[..1], [])])).Root!.Name.LocalName);
    }

    [Fact]
    public void Reports_OfAClassOnlyGuestsHave_LeaveOutTheHostAndThePlot()
    {
        Row row = Sample("cpuid", 1, 25, 50) with { Native = null };
        JsonObject json = Report.Json(Classes.Of("exits"), [row], s_place);
        string text = Report.Markdown([json]);
        Assert.Contains("| workload | what | Bulkhead ns | QEMU ns | to QEMU |", text, StringComparison.Ordinal);
        Assert.Contains("| exits |  | 2.00x |  | at least 1.00x QEMU on every row (met) |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("cpuid", RatioPlot.Draw([json]), StringComparison.Ordinal);
    }

    [Fact]
    public void Exits_OfLines_AreNanoseconds()
    {
        Assert.Equal([new Sample("cpuid", 50)], ExitsKernel.ParseExits(["exits: begin", "exit cpuid 100", "exits done"], 2e9));
        Assert.Contains("exit cpuid 100", Assert.Throws<BenchException>(() => ExitsKernel.ParseExits(["exit cpuid 100"], 2e9)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Translation_OfTheLineOfStatistics_IsTimeAndBytesPerInstruction()
    {
        Assert.Equal(new Sample("kernel", 125, 40), Translation.Parse("kernel", ["noise", "translated: 1000000 instructions in 125.0 ms, 40000000 bytes held"]));
        Assert.Equal(new Sample("kernel", null, 40), Translation.Parse("kernel", ["translated: 1000000 instructions, 40000000 bytes held"]));
        _ = Assert.Throws<BenchException>(() => Translation.Parse("kernel", ["translated: nothing"]));
    }

    [Fact]
    public void Translation_Reported_IsARateAndBytes()
    {
        WorkloadClass translation = Classes.Of("translation");
        Row Of(double? nanoseconds) => new(translation.Workloads[0], null, Measurement.Of([new Sample("kernel", nanoseconds, 40)]), null);
        string text = Report.Markdown([Report.Json(translation, [Of(125)], s_place)]);
        Assert.Contains("| Bulkhead M/s | bytes per instruction |", text, StringComparison.Ordinal);
        Assert.Contains("| 8.0 | 40.0 |", text, StringComparison.Ordinal);
        Assert.Contains("| at least 6 M instructions/s (met) |", text, StringComparison.Ordinal);
        Assert.Contains("| - | 40.0 |", Report.Markdown([Report.Json(translation, [Of(null)], s_place)]), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OfACommandLine_AreRead()
    {
        Options options = Options.Parse(["exits", "--repetitions", "3", "--engine-options", "chain=off", "--only", "cpuid"]);
        Assert.Equal(("exits", 3, "chain=off", "cpuid"), (Assert.Single(options.Classes).Name, options.Repetitions, options.EngineOptions, Assert.Single(options.Only)));
        Assert.All(Classes.All, c => Assert.Contains($"  {c.Name} ", Options.Usage, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("exit", "did you mean 'exits'?")]
    [InlineData("--repetitons", "did you mean '--repetitions'?")]
    [InlineData("--repetitions 0", "'0' is not a number from 1")]
    [InlineData("--only", "--only needs a value")]
    public void Options_ThatAreWrong_AreSaidAndEndWithTwo(string arguments, string message)
    {
        BenchException e = Assert.Throws<BenchException>(() => Options.Parse(arguments.Split(' ')));
        Assert.Equal(2, e.ExitCode);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private static Row Sample(string name, long native, long bulkhead, long qemu) =>
        new(new Workload(name, "integer", $"what {name} does"), Of(native), Of(bulkhead), Of(qemu));

    private static Measurement Of(long milliseconds) => new([milliseconds * 1e6], "1");
}
