using System.Diagnostics;

namespace Bulkhead.Scheduling;

/// <summary>Arithmetic of virtual time: 128-bit integers in units of 2^-32 ns, with the rest of each division carried.</summary>
/// <remarks>
/// A century is below 2^62 ns, so a time takes 94 bits and a time multiplied by a weight 110: nothing overflows.
/// The sum of any number of charges at one weight is the exact quotient rounded down once, not once per charge.
/// </remarks>
internal static class VirtualTime
{
    public const int FractionBits = 32;

    /// <summary>One nanosecond of virtual time.</summary>
    public static readonly Int128 One = (Int128)1 << FractionBits;

    public static Int128 Scale(long ns) => (Int128)ns << FractionBits;

    /// <summary>Whole nanoseconds, rounded down.</summary>
    public static long Floor(Int128 scaled) => (long)(scaled >> FractionBits);

    /// <summary>Nanoseconds rounded up, at most <see cref="long.MaxValue"/>.</summary>
    public static long Ceiling(Int128 scaled)
    {
        Int128 ns = (scaled + One - 1) >> FractionBits;
        return ns > long.MaxValue ? long.MaxValue : (long)ns;
    }

    /// <summary>The virtual time of <paramref name="ns"/> real nanoseconds, carrying the rest in <paramref name="residue"/>.</summary>
    public static Int128 Divide(long ns, int weight, ref long residue)
    {
        Debug.Assert(ns >= 0 && residue >= 0 && residue < weight);
        if (ns < 1L << 30)
        {
            // The common case without a 128-bit division: below 2^62.
            (long quotient, residue) = Math.DivRem((ns << FractionBits) + residue, weight);
            return quotient;
        }

        (Int128 wide, Int128 rest) = Int128.DivRem(Scale(ns) + residue, weight);
        residue = (long)rest;
        return wide;
    }
}
