using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Tests.Chipset;
using Bulkhead.Devices.Virtio;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A PC's PCI bus with one virtio device in slot 1, and the memory they share with a driver.</summary>
internal sealed class VirtioRig : IDisposable
{
    public const uint Window = 0xE000_0000;
    public const int Pin = 17;

    public VirtioRig(IVirtioDevice device, ulong ramBytes = 4 << 20)
    {
        Memory = new GuestMemory("test", ramBytes);
        Ram = new RamLayout(Memory);
        Slots = new PciSlots(Host, Bus, Pins, Window, 1ul << 40, static slot => 16 + slot);
        VirtioPci? pci = null;
        Slots.Add(pin => pci = new VirtioPci(device, Memory, Messages, pin));
        Pci = pci!; // Add made it
        Port = new PciPort(Host, 1);
    }

    public GuestMemory Memory { get; }

    public RamLayout Ram { get; }

    public IoBus Bus { get; } = new();

    public PciHost Host { get; } = new();

    public PciSlots Slots { get; }

    public FakePins Pins { get; } = new();

    public FakeMessages Messages { get; } = new();

    public VirtioPci Pci { get; }

    public PciPort Port { get; }

    public bool PinIsHigh => Pins.Levels[Pin];

    public void Dispose()
    {
        Pci.Function.Shutdown();
        Memory.Dispose();
    }
}
