using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("4096", 4096UL)]
    [InlineData("10B", 10UL)]
    [InlineData("64Mi", 64UL << 20)]
    [InlineData("64MiB", 64UL << 20)]
    [InlineData("512M", 512UL << 20)]
    [InlineData("512MB", 512UL << 20)]
    [InlineData("1.5Gi", 3UL << 29)]
    [InlineData("8K", 8UL << 10)]
    [InlineData("1.5G", 3UL << 29)]
    [InlineData("2T", 2UL << 40)]
    [InlineData("16Ti", 16UL << 40)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void TryParseSize_Good_GivesBytes(string text, ulong bytes)
    {
        Assert.True(Quantity.TryParseSize(text, out ulong parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Mi")]
    [InlineData("-1Mi")]
    [InlineData("+1Mi")]
    [InlineData("1e3")]
    [InlineData("1 Mi")]
    [InlineData("512m")]
    [InlineData("8k")]
    [InlineData("1,5G")]
    [InlineData("5Mb/s")]
    [InlineData("64mi")]
    [InlineData(".5Gi")]
    [InlineData("5.Gi")]
    [InlineData("1.2.3Gi")]
    [InlineData("0.3")]
    [InlineData("1Mi1Mi")]
    [InlineData("18446744073709551616")]
    [InlineData("99999999999999999999Ti")]
    [InlineData("999999999999999999999999999999999999")]
    public void TryParseSize_Bad_IsRefused(string text)
    {
        Assert.False(Quantity.TryParseSize(text, out ulong bytes));
        Assert.Equal(0UL, bytes);
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("0s", 0L)]
    [InlineData("1ns", 1L)]
    [InlineData("500us", 500_000L)]
    [InlineData("500µs", 500_000L)]
    [InlineData("50ms", 50_000_000L)]
    [InlineData("1.5s", 1_500_000_000L)]
    [InlineData("1m30s", 90_000_000_000L)]
    [InlineData("1h", 3_600_000_000_000L)]
    [InlineData("9223372036854775807ns", long.MaxValue)]
    public void TryParseDuration_Good_GivesNanoseconds(string text, long ns)
    {
        Assert.True(Quantity.TryParseDuration(text, out long parsed));
        Assert.Equal(ns, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("50")]
    [InlineData("ms")]
    [InlineData("50 ms")]
    [InlineData("50MS")]
    [InlineData("-5ms")]
    [InlineData("0.5ns")]
    [InlineData("1d")]
    [InlineData("9223372036854775808ns")]
    [InlineData("9223372036s9223372036s")]
    [InlineData("10000000000h")]
    public void TryParseDuration_Bad_IsRefused(string text)
    {
        Assert.False(Quantity.TryParseDuration(text, out long ns));
        Assert.Equal(0L, ns);
    }

    [Theory]
    [InlineData(0L, "0")]
    [InlineData(999L, "999ns")]
    [InlineData(1_500L, "1.5us")]
    [InlineData(50_000_000L, "50ms")]
    [InlineData(3_600_000_000_000L, "3600s")]
    public void FormatDuration_Any_ReadsBack(long ns, string text)
    {
        Assert.Equal(text, Quantity.FormatDuration(ns));
        Assert.True(Quantity.TryParseDuration(text, out long parsed));
        Assert.Equal(ns, parsed);
    }

    [Theory]
    [InlineData(0UL, "0")]
    [InlineData(16UL << 20, "16Mi")]
    [InlineData(1UL << 40, "1Ti")]
    [InlineData(1000UL, "1000")]
    public void FormatSize_Any_ReadsBack(ulong bytes, string text)
    {
        Assert.Equal(text, Quantity.FormatSize(bytes));
        Assert.True(Quantity.TryParseSize(text, out ulong parsed));
        Assert.Equal(bytes, parsed);
    }
}
