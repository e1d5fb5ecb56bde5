namespace Bulkhead.Devices.Pci;

/// <summary>A PCI function that answers at addresses.</summary>
public interface IPciDevice : IPciFunction
{
    /// <summary>What it answers at.</summary>
    IReadOnlyList<PciBar> Bars { get; }
}
