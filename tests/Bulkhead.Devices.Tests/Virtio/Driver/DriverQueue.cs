using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>The driver's side of a queue.</summary>
internal abstract class DriverQueue(RamLayout layout, ushort size, ulong features)
{
    protected const int DescriptorBytes = 16;

    public ushort Size => size;

    public abstract Gpa Descriptors { get; }

    public abstract Gpa Driver { get; }

    public abstract Gpa Device { get; }

    /// <summary>Whether buffers go by a table of descriptors of their own.</summary>
    public bool UsesTables { get; set; } = (features & VirtioFeatures.IndirectDescriptors) != 0;

    public bool EventIndex => (features & VirtioFeatures.EventIndex) != 0;

    public RamLayout Ram { get; private set; } = layout;

    /// <summary>The same queue in another RAM.</summary>
    public DriverQueue On(RamLayout other)
    {
        var copy = (DriverQueue)MemberwiseClone();
        other.ContinueFrom(Ram);
        copy.Ram = other;
        return copy;
    }

    public static DriverQueue Create(RamLayout ram, ushort size, ulong features) =>
        (features & VirtioFeatures.PackedRing) != 0 ? new PackedDriverQueue(ram, size, features) : new SplitDriverQueue(ram, size, features);

    /// <summary>Makes a buffer available; the answer is its number.</summary>
    public abstract int Add(params ReadOnlySpan<Piece> pieces);

    /// <summary>Takes the next buffer the device gave back, or null.</summary>
    public abstract UsedBuffer? Take();

    /// <summary>Whether the device wants to hear of what was added since the last call.</summary>
    public abstract bool MustNotify();

    /// <summary>Asks for an interrupt at the next buffer, or at one so many later.</summary>
    public abstract void AskInterrupt(int later = 0);

    /// <summary>Asks for none.</summary>
    public abstract void RefuseInterrupts();
}
