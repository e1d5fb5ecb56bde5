using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio.Queues;

/// <summary>The device's side of a queue.</summary>
/// <remarks><i>Threading</i>: the device's executor. <i>Errors</i>: what a driver must not do breaks the queue: <see cref="Error"/> says what,
/// and nothing more comes out of it.</remarks>
internal abstract class Virtqueue(GuestMemory memory, QueueSetup setup, ulong features)
{
    /// <summary>Bytes of a descriptor, of either kind of ring.</summary>
    protected const int DescriptorBytes = 16;

    /// <summary>What the driver did that it must not do, or null.</summary>
    internal string? Error { get; private set; }

    /// <summary>How many descriptors there are.</summary>
    internal int Size => setup.Size;

    /// <summary>The domain's RAM.</summary>
    protected GuestMemory Memory => memory;

    /// <summary>Where everything is.</summary>
    protected QueueSetup Setup => setup;

    /// <summary>Whether each side says at which index it wants to hear of the other.</summary>
    protected bool EventIndex { get; } = (features & VirtioFeatures.EventIndex) != 0;

    private bool Indirect { get; } = (features & VirtioFeatures.IndirectDescriptors) != 0;

    /// <summary>Makes a queue of the kind that was negotiated; null where it is not in RAM.</summary>
    internal static Virtqueue? Create(GuestMemory memory, QueueSetup setup, ulong features) =>
        (features & VirtioFeatures.PackedRing) != 0
            ? PackedQueue.TryCreate(memory, setup, features)
            : SplitQueue.TryCreate(memory, setup, features);

    /// <summary>Whether there is a next buffer to take.</summary>
    internal bool IsWaiting => Error is null && HasNext();

    /// <summary>Takes the next buffer; false: there is none, or the queue is broken.</summary>
    internal bool TryPop(DescriptorChain chain)
    {
        chain.Clear();
        return IsWaiting && Take(chain);
    }

    /// <summary>Undoes the taking of the buffer that was taken last, and not given back.</summary>
    internal abstract void Untake(DescriptorChain chain);

    /// <summary>Gives a buffer back, of which the first <paramref name="written"/> bytes to write were written; the driver sees it at the next
    /// <see cref="Publish"/>.</summary>
    internal abstract void Push(DescriptorChain chain, uint written);

    /// <summary>Shows the driver, all at once, what was given back.</summary>
    internal abstract void Publish();

    /// <summary>Whether the driver wants to hear of what was given back since the last call.</summary>
    internal abstract bool WantsInterrupt();

    /// <summary>Asks to be notified of the next buffer. True: there is one already.</summary>
    internal bool Await()
    {
        RequestNotification();
        Interlocked.MemoryBarrier();
        return IsWaiting;
    }

    /// <summary>Asks not to be notified, as far as the driver heeds it.</summary>
    internal abstract void Ignore();

    /// <summary>Breaks the queue for what a buffer holds.</summary>
    internal void Refuse(string what) => Break(what);

    /// <summary>Writes how far it is: everything else stands in RAM. When all that was pushed was published.</summary>
    internal abstract void Save(StateWriter writer);

    /// <summary>Reads that again.</summary>
    internal abstract void Restore(StateReader reader);

    /// <summary>Whether a buffer waits.</summary>
    protected abstract bool HasNext();

    /// <summary>Reads the next buffer's descriptors.</summary>
    protected abstract bool Take(DescriptorChain chain);

    /// <summary>Asks to be notified of the next buffer.</summary>
    protected abstract void RequestNotification();

    /// <summary>The queue is broken.</summary>
    protected bool Break(string what)
    {
        Error ??= what;
        return false;
    }

    /// <summary>Whether a table of descriptors is one; if so, how many it has.</summary>
    protected bool IsTable(ulong address, uint length, DescriptorFlags flags, out int count)
    {
        count = (int)(length / DescriptorBytes);
        return !Indirect ? Break("an indirect descriptor, which was not negotiated")
            : (flags & DescriptorFlags.Next) != 0 ? Break("an indirect descriptor that has a next one")
            : length == 0 || length % DescriptorBytes != 0 || count > DescriptorChain.MostSegments ? Break($"a table of descriptors of {length} bytes")
            : memory.Contains(new Gpa(address), length) || Break("a table of descriptors that is not in RAM");
    }

    /// <summary>Reads 16 bits.</summary>
    protected ushort Read16(Gpa address)
    {
        Span<byte> bytes = stackalloc byte[2];
        _ = memory.TryRead(address, bytes);
        return BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    /// <summary>Writes 16 bits.</summary>
    protected void Write16(Gpa address, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        _ = memory.TryWrite(address, bytes);
    }

    /// <summary>Whether an index the other side asked about was passed on the way from one to another.</summary>
    /// <remarks><i>Source</i>: VIRTIO 1.2, 2.7.7.2 Device Requirements: Used Buffer Notification Suppression.</remarks>
    protected static bool Passed(ushort asked, ushort now, ushort before) => (ushort)(now - asked - 1) < (ushort)(now - before);
}
