namespace Bulkhead.Machine.Boot;

/// <summary>The framebuffer a kernel finds set up: pixels of 32 bits, blue in the lowest byte.</summary>
/// <param name="Address">Where it begins.</param>
/// <param name="SizeBytes">How large it is.</param>
/// <param name="Width">Pixels in a line.</param>
/// <param name="Height">Lines.</param>
/// <param name="PitchBytes">From one line to the next.</param>
internal sealed record BootScreen(ulong Address, ulong SizeBytes, int Width, int Height, int PitchBytes);
