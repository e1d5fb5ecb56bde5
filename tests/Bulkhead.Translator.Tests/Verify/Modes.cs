namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Mode words to emit blocks in.</summary>
internal static class Modes
{
    /// <summary>64-bit code at CPL 3.</summary>
    internal const uint User64 = (3 << 2) | (2 << 4) | (2 << 6);

    /// <summary>64-bit code at CPL 0, SMAP.</summary>
    internal const uint Kernel64 = 1 | (2 << 4) | (2 << 6) | (1 << 15) | (1 << 20);

    /// <summary>Every view, CPL 0 and 3, code and stack of each size, flat and not.</summary>
    internal static IEnumerable<(uint Mode, int Bits)> All
    {
        get
        {
            foreach (uint view in new uint[] { 0, 1, 2 })
            {
                uint who = view | (view == 0 ? 3u << 2 : 1u << 15);
                yield return (who | (2 << 4) | (2 << 6), 64);
                for (uint code = 0; code < 2; code++)
                {
                    for (uint stack = 0; stack < 2; stack++)
                    {
                        yield return (who | (code << 4) | (stack << 6), 16 << (int)code);
                        yield return (who | (code << 4) | (stack << 6) | (1 << 8), 16 << (int)code);
                    }
                }
            }
        }
    }
}
