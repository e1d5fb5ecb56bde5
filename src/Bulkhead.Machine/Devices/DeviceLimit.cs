using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Devices.Backends.Limits;

namespace Bulkhead.Machine.Devices;

/// <summary>How much a device does; what is more waits.</summary>
/// <param name="RequestsPerSecond">So many requests; 0: any number.</param>
/// <param name="BytesPerSecond">So many bytes; 0: any number.</param>
/// <param name="BurstNs">So much time's worth at once, after a rest.</param>
public sealed record DeviceLimit(long RequestsPerSecond, long BytesPerSecond, long BurstNs = DeviceLimit.DefaultBurstNs)
{
    /// <summary>The burst of a limit that says nothing of it.</summary>
    public const long DefaultBurstNs = RateLimit.DefaultBurstNs;

    /// <summary>The shortest burst: at 0 each request waits for the one before.</summary>
    internal const long LeastBurstNs = 0;

    /// <summary>The longest.</summary>
    internal const long MostBurstNs = 60_000_000_000;

    /// <summary>The most bytes.</summary>
    internal const ulong MostBytes = 1ul << 40;

    /// <summary>What a device without a limit has.</summary>
    internal static RateLimit None => default;

    /// <summary>Reads what a command line says; null where it says nothing, or what is wrong.</summary>
    /// <param name="words">The device's words.</param>
    /// <param name="requests">The name of the number of requests, or null: it has none.</param>
    /// <param name="bytes">The name of the number of bytes.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    internal static DeviceLimit? Parse(DeviceWords words, string? requests, string bytes, out string? error)
    {
        (string? most, string? size, string? time) = (requests is null ? null : words.Value(requests), words.Value(bytes), words.Value("burst"));
        int count = 0;
        ulong perSecond = 0;
        long burst = DefaultBurstNs;
        error = most is not null && (!int.TryParse(most, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count == 0)
                ? $"{requests}={most}: give a whole number from 1 on, of requests a second."
            : size is not null && (!Quantity.TryParseSize(size, out perSecond) || perSecond is 0 or > MostBytes)
                ? $"{bytes}={size}: give {Quantity.SizeForm}, of bytes a second."
            : time is not null && (!Quantity.TryParseDuration(time, out burst) || burst > MostBurstNs)
                ? $"burst={time}: give {Quantity.DurationForm}, at most {Quantity.FormatDuration(MostBurstNs)}."
            : time is not null && most is null && size is null ? $"burst goes with {(requests is null ? bytes : $"{requests} or {bytes}")}."
            : null;
        return error is null && (count, perSecond) != (0, 0) ? new DeviceLimit(count, (long)perSecond, burst) : null;
    }

    /// <summary>The same for the device.</summary>
    internal RateLimit ToRate() => new(RequestsPerSecond, BytesPerSecond, BurstNs);
}
