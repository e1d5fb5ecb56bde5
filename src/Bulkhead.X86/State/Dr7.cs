namespace Bulkhead.X86.State;

/// <summary>Bits of DR7.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3B, 17.2.4 Debug Control Register (DR7).</remarks>
public static class Dr7
{
#pragma warning disable CS1591 // The names are the manual's.
    public const ulong GD = 1 << 13;
#pragma warning restore CS1591

    /// <summary>L0, G0 to L3, G3: any of them enables a breakpoint.</summary>
    public const ulong Enables = 0xFF;
}
