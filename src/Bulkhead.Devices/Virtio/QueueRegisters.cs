using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
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

    internal void Clear()
    {
        Vector = PciCommonConfig.NoVector;
        Size = MostDescriptors;
        (Descriptors, Driver, Device, Enabled) = (0, 0, 0, false);
    }
}
