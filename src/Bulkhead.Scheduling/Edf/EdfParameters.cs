namespace Bulkhead.Scheduling.Edf;

/// <summary>What one vCPU has reserved: so much real time in every period.</summary>
/// <remarks><i>Units</i>: real nanoseconds. The default has no reservation and lives on what nobody reserved.</remarks>
public readonly record struct EdfParameters
{
    /// <summary>The longest period: one hour.</summary>
    public const long MaxPeriodNs = 3_600_000_000_000;

    /// <summary>P; 0 = no reservation.</summary>
    public long PeriodNs { get; init; }

    /// <summary>Q, from 1 to P; 0 without a reservation.</summary>
    public long BudgetNs { get; init; }

    /// <summary>Whether it may take time nobody reserved when its budget is used up.</summary>
    public bool Extra { get; init; }

    /// <summary>Whether it has a reservation.</summary>
    public bool IsReserved => PeriodNs != 0;

    /// <summary>Whether it ever runs on time nobody reserved.</summary>
    public bool TakesExtra => !IsReserved || Extra;

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(PeriodNs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PeriodNs, MaxPeriodNs);
        ArgumentOutOfRangeException.ThrowIfLessThan(BudgetNs, IsReserved ? 1 : 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BudgetNs, PeriodNs);
    }
}
