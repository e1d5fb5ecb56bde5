namespace Bulkhead.Machine.Configuration;

/// <summary>One entry of a pool's CPU list: a range of host CPU numbers, or the last CPU this process may use.</summary>
public readonly record struct CpuSelector(int First, int Last)
{
    /// <summary>The word <c>last</c>.</summary>
    public static readonly CpuSelector LastAllowed = new(-1, -1);

    /// <summary>Whether this is the word <c>last</c>.</summary>
    public bool IsLastAllowed => First < 0;

    /// <inheritdoc/>
    public override string ToString() => IsLastAllowed ? "last" : First == Last ? $"{First}" : $"{First}-{Last}";

    internal bool Overlaps(CpuSelector other) =>
        IsLastAllowed ? other.IsLastAllowed : !other.IsLastAllowed && First <= other.Last && other.First <= Last;
}
