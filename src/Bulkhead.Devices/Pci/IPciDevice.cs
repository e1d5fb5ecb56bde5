using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Pci;

/// <summary>A PCI function with a BAR of memory.</summary>
public interface IPciDevice : IPciFunction
{
    /// <summary>The size of its BAR in bytes, a power of two.</summary>
    uint BarBytes { get; }

    /// <summary>What stands in its BAR.</summary>
    IIoDevice Bar { get; }

    /// <summary>Where the guest wants its BAR, or null where nowhere.</summary>
    ulong? BarAddress { get; }

    /// <summary>Places the BAR, as firmware would.</summary>
    void Place(uint address);
}
