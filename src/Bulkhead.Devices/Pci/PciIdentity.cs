namespace Bulkhead.Devices.Pci;

/// <summary>What a PCI function says it is.</summary>
/// <param name="Vendor">The vendor.</param>
/// <param name="Device">The device.</param>
/// <param name="Subsystem">The subsystem.</param>
/// <param name="ClassCode">Class, subclass and interface: 24 bits.</param>
/// <param name="Revision">The revision.</param>
/// <param name="SubsystemVendor">The vendor of the subsystem, where it is another.</param>
internal readonly record struct PciIdentity(ushort Vendor, ushort Device, ushort Subsystem, uint ClassCode, byte Revision, ushort? SubsystemVendor = null);
