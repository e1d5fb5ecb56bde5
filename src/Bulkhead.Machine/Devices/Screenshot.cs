using Bulkhead.Devices.Display;

namespace Bulkhead.Machine.Devices;

/// <summary>What a domain's display showed at one moment.</summary>
public sealed class Screenshot
{
    private readonly ScreenImage _image;

    internal Screenshot(ScreenImage image) => _image = image;

    /// <summary>Whether it showed nothing, since the guest has it switched off.</summary>
    public bool IsDark => _image.Width == 0;

    /// <summary>Writes it as a PNG file; not where it is dark.</summary>
    public void WritePng(Stream output) => PngWriter.Write(output, _image);
}
