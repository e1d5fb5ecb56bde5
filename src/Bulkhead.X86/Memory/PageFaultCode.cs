namespace Bulkhead.X86.Memory;

/// <summary>Bits of the page-fault error code.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 4.7 Page-Fault Exceptions.</remarks>
public static class PageFaultCode
{
#pragma warning disable CS1591 // The manual's names.
    public const uint P = 1, W = 2, U = 4, Rsvd = 8, I = 16;
#pragma warning restore CS1591
}
