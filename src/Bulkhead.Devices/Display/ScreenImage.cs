namespace Bulkhead.Devices.Display;

/// <summary>What a display showed at one moment.</summary>
/// <param name="Width">Pixels in a line; 0 where it was dark.</param>
/// <param name="Height">Lines.</param>
/// <param name="Pixels">The lines from the top, four bytes a pixel: blue, green, red, nothing.</param>
public sealed record ScreenImage(int Width, int Height, ReadOnlyMemory<byte> Pixels);
