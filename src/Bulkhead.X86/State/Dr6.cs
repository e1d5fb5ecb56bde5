namespace Bulkhead.X86.State;

/// <summary>Bits of DR6.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3B, 17.2.3 Debug Status Register (DR6).</remarks>
public static class Dr6
{
#pragma warning disable CS1591 // The names are the manual's.
    public const ulong BD = 1 << 13, BS = 1 << 14;
#pragma warning restore CS1591
}
