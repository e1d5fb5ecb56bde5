namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Numbers that tend to matter: limits, powers of two, floating-point oddities, and plain random ones.</summary>
internal static class Values
{
    private static readonly ulong[] s_integers =
    [
        0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF,
        0x8000_0000_0000_0000, ulong.MaxValue, ulong.MaxValue - 1, 0xFFFF_FFFF_8000_0000, 0xAAAA_AAAA_AAAA_AAAA, 0x5555_5555_5555_5555, 0x0123_4567_89AB_CDEF,
    ];

    private static readonly ulong[] s_doubles =
    [
        0, 0x8000_0000_0000_0000, 0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000,
        0x7FF0_0000_0000_0001, 0x0000_0000_0000_0001, 0x000F_FFFF_FFFF_FFFF, 0x0010_0000_0000_0000, 0x7FEF_FFFF_FFFF_FFFF, 0x41DF_FFFF_FFC0_0000,
        0x41E0_0000_0000_0000, 0x43E0_0000_0000_0000, 0x3FE0_0000_0000_0000, 0x4000_0000_0000_0000, 0xC008_0000_0000_0000, 0x3FB9_9999_9999_999A,
    ];

    private static readonly uint[] s_floats =
    [
        0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F80_0001, 0x0000_0001, 0x007F_FFFF, 0x0080_0000, 0x7F7F_FFFF,
        0x4EFF_FFFF, 0x4F00_0000, 0x5F00_0000, 0x3F00_0000, 0x4000_0000, 0xC040_0000, 0x3DCC_CCCD,
    ];

    internal static ulong Integer(Random random) => random.Next(4) switch
    {
        0 => s_integers[random.Next(s_integers.Length)],
        1 => 1UL << random.Next(64),
        2 => (ulong)random.NextInt64(-64, 64),
        _ => Bits(random),
    };

    /// <summary>Eight bytes that make sense as integers, two floats or a double.</summary>
    internal static ulong Lane(Random random) => random.Next(5) switch
    {
        0 => Integer(random),
        1 => s_doubles[random.Next(s_doubles.Length)],
        2 => ((ulong)s_floats[random.Next(s_floats.Length)] << 32) | s_floats[random.Next(s_floats.Length)],
        3 => (ulong)BitConverter.DoubleToInt64Bits((random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-80, 80))),
        _ => Bits(random),
    };

    internal static ulong Bits(Random random) => ((ulong)(uint)random.Next(int.MinValue, int.MaxValue) << 32) | (uint)random.Next(int.MinValue, int.MaxValue);
}
