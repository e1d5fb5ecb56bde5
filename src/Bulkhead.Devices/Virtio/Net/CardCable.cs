namespace Bulkhead.Devices.Virtio.Net;

/// <summary>The cable of a network card, plugged in or not: it stays so over the domain's lives.</summary>
/// <remarks><i>Threading</i>: any.</remarks>
public sealed class CardCable
{
    private volatile bool _isPlugged = true;
    private Action? _changed;

    /// <summary>Whether it is plugged in; without it no frame passes.</summary>
    public bool IsPlugged
    {
        get => _isPlugged;
        set
        {
            _isPlugged = value;
            Volatile.Read(ref _changed)?.Invoke();
        }
    }

    /// <summary>The card it belongs to now is told of changes; the one before is not.</summary>
    internal void Attach(Action changed) => Volatile.Write(ref _changed, changed);
}
