using System.Buffers.Binary;

namespace Bulkhead.Machine.Time;

/// <summary>Numbers that look random and are the same for the same seed and stream: SplitMix64.</summary>
/// <remarks>Not a secret. <i>Source</i>: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 16
/// (the mixing function with the constants of MurmurHash3's variant 13). <i>Threading</i>: one thread at a time.</remarks>
internal sealed class SeededRandom
{
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;
    private ulong _state;

    /// <summary>Starts a stream; streams of one seed differ.</summary>
    internal SeededRandom(ulong seed, int stream) => _state = Mix(seed + ((ulong)stream * Golden));

    /// <summary>The next number.</summary>
    internal ulong Next() => Mix(_state += Golden);

    /// <summary>Fills a span, a multiple of 8 bytes, with the next numbers.</summary>
    internal void Fill(Span<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i += sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[i..], Next());
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
