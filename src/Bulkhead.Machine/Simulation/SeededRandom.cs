namespace Bulkhead.Machine.Simulation;

/// <summary>Random numbers that are the same for the same seed and stream, in every version.</summary>
/// <remarks><i>Source</i>: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014: SplitMix64.</remarks>
internal sealed class SeededRandom(ulong seed, int stream)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;
    private ulong _state = Mix(seed + ((ulong)stream * Golden));

    /// <summary>A number with this mean, exponentially distributed, at least 1.</summary>
    internal long NextExponential(long mean)
    {
        _state += Golden;
        double uniform = (Mix(_state) >> 11) * (1.0 / (1UL << 53));
        double value = -Math.Log(1 - uniform) * mean;
        return value < 1 ? 1 : value >= long.MaxValue / 4 ? long.MaxValue / 4 : (long)value;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
