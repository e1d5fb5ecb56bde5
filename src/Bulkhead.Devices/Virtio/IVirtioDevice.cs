using Bulkhead.Abi.Virtio;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio;

/// <summary>A device behind a virtio transport.</summary>
/// <remarks><i>Threading</i>: called by vCPUs with the transport's lock held, so one call at a time; what takes long happens on an executor
/// of the device's own.</remarks>
internal interface IVirtioDevice
{
    /// <summary>What it is.</summary>
    VirtioType Type { get; }

    /// <summary>Features of its type, and those of rings it can do more with than any device.</summary>
    ulong Features { get; }

    /// <summary>The most descriptors of each queue.</summary>
    IReadOnlyList<ushort> QueueSizes { get; }

    /// <summary>The driver chose features, of those offered; false where they do not go together.</summary>
    bool Negotiate(ulong features) => true;

    /// <summary>Reads its configuration; bytes behind the end are 0.</summary>
    void ReadConfig(int offset, Span<byte> data);

    /// <summary>Writes its configuration, as far as it can be written.</summary>
    void WriteConfig(int offset, ReadOnlySpan<byte> data);

    /// <summary>The driver is ready, or the work goes on after a stop: with the same queues where it goes on.</summary>
    void Start(VirtioSession session);

    /// <summary>The driver made buffers available.</summary>
    void Notify(int queue);

    /// <summary>The work ends: nothing of the driver's memory may be touched after <paramref name="stopped"/> was called, which may be later
    /// and on another thread. Once after each start.</summary>
    void Stop(Action stopped);

    /// <summary>The driver is gone: what belonged to it ends. While it is stopped, mostly on its executor and without the transport's lock:
    /// its configuration may be read and written.</summary>
    void Reset()
    {
    }

    /// <summary>Writes what it has to itself: nothing, where all of it follows from the features. While it is stopped.</summary>
    void Save(StateWriter writer)
    {
    }

    /// <summary>Reads that again, after the features were negotiated.</summary>
    void Restore(StateReader reader)
    {
    }
}
