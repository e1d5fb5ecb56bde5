using System.Text.Json.Nodes;
using System.Xml.Linq;
using Bulkhead.Tools.Bench;
using Xunit;

namespace Bulkhead.Cli.Tests.Bench;

public sealed class BenchTests
{
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
        Assert.Equal(("00ff", 2.0), (m.Sum, m.Milliseconds));
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
        Row[] rows = [Sample("sort", 10, 15, 60), Sample("odd <&", 1, 1, 1) with { Qemu = null }];
        JsonObject json = Report.Json("integer", rows, new JsonObject { ["date"] = "today", ["host"] = "here", ["load"] = "0" });
        string[] words = Report.Table("integer", rows).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["sort", "10.0", "15.0", "15.0-15.0", "60.0", "1.50x", "4.00x"], words.SkipWhile(w => w != "sort").Take(7));
        Assert.Contains("| sort | what sort does | 10.0 | 15.0 | 60.0 | 1.50x | 4.00x |", Report.Markdown([json]), StringComparison.Ordinal);
        Assert.Equal("svg", XDocument.Parse(RatioPlot.Draw([Report.Json("integer", rows[..1], [])])).Root!.Name.LocalName);
    }

    private static Row Sample(string name, long native, long bulkhead, long qemu) =>
        new(new Workload(name, "integer", $"what {name} does"), Of(native), Of(bulkhead), Of(qemu));

    private static Measurement Of(long milliseconds) => new([milliseconds * 1_000_000], "1");
}
