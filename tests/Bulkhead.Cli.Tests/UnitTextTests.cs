using Bulkhead.Cli.Units;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class UnitTextTests
{
    [Theory]
    [InlineData("512M", 512UL << 20)]
    [InlineData("1G", 1UL << 30)]
    [InlineData("64Mi", 64UL << 20)]
    [InlineData("64MiB", 64UL << 20)]
    [InlineData("64MB", 64UL << 20)]
    [InlineData("1.5g", 3UL << 29)]
    [InlineData("4096", 4096UL)]
    [InlineData("4096B", 4096UL)]
    [InlineData("2T", 2UL << 40)]
    [InlineData("512 M", 512UL << 20)]
    public void TryParse_Size_IsRead(string text, ulong expected)
    {
        Assert.True(SizeText.TryParse(text, out ulong bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1M")]
    [InlineData("5x")]
    [InlineData("5Mb/s")]
    [InlineData("1.0001K")]
    [InlineData("1,5G")]
    [InlineData("99999999999999999999T")]
    [InlineData("18446744073709551616")]
    [InlineData("1.2.3M")]
    public void TryParse_NoSize_IsRefused(string text) => Assert.False(SizeText.TryParse(text, out _));

    [Theory]
    [InlineData(0UL, "0 bytes")]
    [InlineData(513UL, "513 bytes")]
    [InlineData(1024UL, "1K")]
    [InlineData(512UL << 20, "512M")]
    [InlineData(1UL << 40, "1T")]
    public void Format_Size_UsesTheLargestUnit(ulong bytes, string expected) => Assert.Equal(expected, SizeText.Format(bytes));

    [Theory]
    [InlineData("60s", 60_000_000_000)]
    [InlineData("500us", 500_000)]
    [InlineData("500µs", 500_000)]
    [InlineData("2m", 120_000_000_000)]
    [InlineData("1.5h", 5_400_000_000_000)]
    [InlineData("250ms", 250_000_000)]
    [InlineData("7ns", 7)]
    public void TryParse_Duration_IsRead(string text, long expected)
    {
        Assert.True(DurationText.TryParse(text, out long ns));
        Assert.Equal(expected, ns);
    }

    [Theory]
    [InlineData("")]
    [InlineData("60")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5d")]
    [InlineData("99999999999h")]
    public void TryParse_NoDuration_IsRefused(string text) => Assert.False(DurationText.TryParse(text, out _));
}
