using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>What a driver says about a queue before it uses it.</summary>
internal sealed class QueueRegisters
{
    internal QueueRegisters(ushort mostDescriptors) => MostDescriptors = Size = mostDescriptors;

    /// <summary>Its MSI-X vector.</summary>
    internal ushort Vector = PciCommonConfig.NoVector;

    /// <summary>How many descriptors it has.</summary>
    internal ushort Size { get; set; }

    /// <summary>The most it can have.</summary>
    internal ushort MostDescriptors { get; }

    /// <summary>The descriptors' address.</summary>
    internal ulong Descriptors { get; set; }

    /// <summary>The address of what the driver writes.</summary>
    internal ulong Driver { get; set; }

    /// <summary>The address of what the device writes.</summary>
    internal ulong Device { get; set; }

    /// <summary>Whether it is on.</summary>
    internal bool Enabled { get; set; }

    /// <summary>All of it.</summary>
    internal QueueSetup Setup => new(Size, new Gpa(Descriptors), new Gpa(Driver), new Gpa(Device));

    internal void Save(StateWriter writer)
    {
        writer.Write(Vector);
        writer.Write(Size);
        writer.Write(Enabled);
        writer.Write(Descriptors);
        writer.Write(Driver);
        writer.Write(Device);
    }

    internal void Restore(StateReader reader)
    {
        Vector = reader.ReadUInt16();
        Size = reader.ReadUInt16();
        Enabled = reader.ReadBoolean();
        Descriptors = reader.ReadUInt64();
        Driver = reader.ReadUInt64();
        Device = reader.ReadUInt64();
        reader.Require(Size <= MostDescriptors, "a queue of too many descriptors");
    }

    internal void Clear()
    {
        Vector = PciCommonConfig.NoVector;
        Size = MostDescriptors;
        (Descriptors, Driver, Device, Enabled) = (0, 0, 0, false);
    }
}
