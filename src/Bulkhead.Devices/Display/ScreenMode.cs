namespace Bulkhead.Devices.Display;

/// <summary>What a display shows: a rectangle of pixels of 32 bits, blue in the lowest byte, red in the third.</summary>
/// <param name="Width">Pixels in a line.</param>
/// <param name="Height">Lines.</param>
/// <param name="PitchBytes">From one line to the next.</param>
/// <param name="Offset">Where the first pixel is in the display's memory.</param>
public readonly record struct ScreenMode(int Width, int Height, int PitchBytes, ulong Offset)
{
    /// <summary>Bytes of a pixel.</summary>
    public const int PixelBytes = 4;

    /// <summary>Bits of a pixel.</summary>
    public const int PixelBits = 32;
}
