using Bulkhead.Host.Files;

namespace Bulkhead.Images;

/// <summary>An image that belongs to one domain, which alone may write its disk until this is disposed.</summary>
public sealed class DomainImage : IDisposable
{
    private readonly FileLock _held;

    internal DomainImage(GuestImage image, FileLock held)
    {
        Image = image;
        _held = held;
    }

    /// <summary>The image; its disk is this domain's own.</summary>
    public GuestImage Image { get; }

    /// <inheritdoc/>
    public void Dispose() => _held.Dispose();
}
