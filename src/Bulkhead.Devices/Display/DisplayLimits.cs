namespace Bulkhead.Devices.Display;

/// <summary>How large a display can be.</summary>
public static class DisplayLimits
{
    /// <summary>The fewest pixels in a line, and lines.</summary>
    public const int LeastWidth = 320, LeastHeight = 200;

    /// <summary>The most.</summary>
    public const int MostWidth = 3840, MostHeight = 2160;

    private const ulong LeastBytes = 16ul << 20;

    /// <summary>How much memory a display has that prefers a mode.</summary>
    public static ulong MemoryBytes(int width, int height) =>
        Math.Max(LeastBytes, System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)width * (ulong)height * ScreenMode.PixelBytes));
}
