using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Tests.Chipset;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A PCI function's configuration space as software reaches it: by the two ports.</summary>
internal sealed class PciPort(PciHost host, int slot)
{
    private const int CapabilityPointer = 0x34;

    public byte Read8(int offset) => Select(offset).In8((ulong)(4 + (offset & 3)));

    public ushort Read16(int offset) => Select(offset).In16((ulong)(4 + (offset & 3)));

    public uint Read32(int offset) => Select(offset).In32(4);

    public void Write8(int offset, byte value) => Select(offset).Out8((ulong)(4 + (offset & 3)), value);

    public void Write16(int offset, ushort value) => Select(offset).Out16((ulong)(4 + (offset & 3)), value);

    public void Write32(int offset, uint value) => Select(offset).Out32(4, value);

    /// <summary>Where the capabilities stand, with what they are.</summary>
    public IEnumerable<(int At, byte Id)> Capabilities()
    {
        for (int at = Read8(CapabilityPointer); at != 0; at = Read8(at + 1))
        {
            yield return (at, Read8(at));
        }
    }

    private PciHost Select(int offset)
    {
        host.Out32(0, 0x8000_0000 | ((uint)slot << 11) | ((uint)offset & 0xFC));
        return host;
    }
}
