using Bulkhead.Core.Memory;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>What a device works with from the moment its driver is ready to the next reset.</summary>
/// <remarks><i>Threading</i>: any.</remarks>
internal sealed class VirtioSession(VirtioFunction function, GuestMemory memory, ulong features, Virtqueue?[] queues)
{
    private volatile bool _ending;
    private volatile bool _over;

    /// <summary>The domain's RAM.</summary>
    internal GuestMemory Memory => memory;

    /// <summary>By number; null where the driver uses none.</summary>
    internal IReadOnlyList<Virtqueue?> Queues => queues;

    /// <summary>Whether the device was asked to stop: nothing more is begun.</summary>
    internal bool IsEnding => _ending;

    /// <summary>Whether the driver is gone as well: what takes long is better given up.</summary>
    internal bool IsOver => _over;

    /// <summary>Whether a feature was negotiated.</summary>
    internal bool Has(ulong feature) => (features & feature) != 0;

    /// <summary>Interrupts the driver for a queue, if it wants that.</summary>
    internal void Used(int queue)
    {
        if (queues[queue] is { } q && q.WantsInterrupt())
        {
            function.RaiseQueue(queue);
        }
    }

    /// <summary>Interrupts the driver for a queue, which it wants.</summary>
    internal void Raise(int queue) => function.RaiseQueue(queue);

    /// <summary>Tells the driver that the configuration changed.</summary>
    internal void ConfigChanged() => function.ChangeConfig(this);

    /// <summary>A request failed: the driver was told, and it is counted.</summary>
    internal void NoteError() => Interlocked.Increment(ref function.Errors);

    /// <summary>The device cannot go on, mostly because of what the driver did: it waits for a reset, and says so.</summary>
    internal void Fail(string why) => function.Fail(this, why);

    /// <summary>The device is asked to stop, for good where the driver is gone.</summary>
    internal void End(bool forGood)
    {
        _over |= forGood;
        _ending = true;
    }
}
