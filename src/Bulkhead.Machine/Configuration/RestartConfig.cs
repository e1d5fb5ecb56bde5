namespace Bulkhead.Machine.Configuration;

/// <summary>When a domain that ended is started again.</summary>
/// <param name="When">After which ends.</param>
/// <param name="Limit">How many restarts in a row there may be; 0 = any number.</param>
/// <param name="BackoffNs">The wait before the first one; it doubles with each in a row.</param>
/// <param name="LongestNs">The longest wait.</param>
public sealed record RestartConfig(RestartWhen When, int Limit = 0, long BackoffNs = RestartConfig.DefaultBackoffNs, long LongestNs = RestartConfig.DefaultLongestNs)
{
    /// <summary>The wait of those that name none: 100 ms.</summary>
    public const long DefaultBackoffNs = 100_000_000;

    /// <summary>The longest wait of those that name none: 10 s.</summary>
    public const long DefaultLongestNs = 10_000_000_000;

    /// <summary>A life this long ends a row of restarts: 10 s.</summary>
    public const long RowEndsNs = 10_000_000_000;

    /// <summary>Whether an end with this code is followed by a restart, after <paramref name="inARow"/> of them.</summary>
    public bool Follows(int exitCode, int inARow) =>
        (When == RestartWhen.Always || (When == RestartWhen.OnFailure && exitCode != 0)) && (Limit == 0 || inARow < Limit);

    /// <summary>The wait before a restart, after <paramref name="inARow"/> of them.</summary>
    public long WaitNs(int inARow) => inARow > 40 ? LongestNs : (long)Int128.Min((Int128)BackoffNs << inARow, LongestNs);
}
