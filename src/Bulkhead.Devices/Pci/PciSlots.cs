using System.Numerics;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The slots of bus 0: gives each device a number, an interrupt pin and addresses, and follows the guest's moving its BARs.</summary>
/// <param name="host">The bus.</param>
/// <param name="bus">Where registers are found.</param>
/// <param name="pins">Where interrupt pins lead.</param>
/// <param name="registers">Where what has a BAR of 32 bits is put first.</param>
/// <param name="memory">Where what has one of 64 is.</param>
/// <param name="pinOf">The interrupt pin of a slot.</param>
/// <param name="first">The first slot that is free.</param>
/// <remarks><i>Threading</i>: devices are added while the machine is built; BARs move under the PCI host's lock, pins under their own.</remarks>
public sealed class PciSlots(PciHost host, IoBus bus, IInterruptPins pins, ulong registers, ulong memory, Func<int, int> pinOf, int first = 1) : IInterruptPins
{
    private readonly Lock _lock = new();
    private readonly uint[] _high = new uint[256]; // by pin: which slots drive it
    private readonly List<PciBar> _bars = [];
    private ulong _registers = registers;
    private ulong _memory = memory;
    private int _next = first;

    /// <summary>Puts a device into the next slot.</summary>
    /// <param name="make">Makes it, with the wire to its interrupt pin.</param>
    public IPciDevice Add(Func<InterruptLine, IPciDevice> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        int slot = _next++;
        IPciDevice device = make(new InterruptLine(this, slot));
        foreach (PciBar bar in device.Bars)
        {
            ref ulong next = ref bar.IsWide ? ref _memory : ref _registers;
            ulong address = (next + bar.SizeBytes - 1) & ~(bar.SizeBytes - 1);
            next = address + bar.SizeBytes;
            bar.Assign(address);
            _bars.Add(bar);
        }

        host.Register(slot, 0, new Placed(this, device));
        Move();
        return device;
    }

    /// <summary>Puts BARs where the guest wants them now. One over another, or over itself, is nowhere until there is room.</summary>
    private void Move()
    {
        foreach (PciBar bar in _bars)
        {
            bar.Leave(bus);
        }

        foreach (PciBar bar in _bars)
        {
            bar.Enter(bus);
        }
    }

    /// <summary>Drives the pin of a slot; slots share pins.</summary>
    void IInterruptPins.SetPin(int pin, bool high)
    {
        int wire = pinOf(pin);
        lock (_lock)
        {
            _high[wire] = high ? _high[wire] | (1u << pin) : _high[wire] & ~(1u << pin);
            pins.SetPin(wire, BitOperations.PopCount(_high[wire]) > 0);
        }
    }

    /// <summary>A device whose BARs follow what its configuration space says.</summary>
    private sealed class Placed(PciSlots slots, IPciDevice device) : IPciFunction
    {
        public void ReadConfig(int offset, Span<byte> data) => device.ReadConfig(offset, data);

        public void WriteConfig(int offset, ReadOnlySpan<byte> data)
        {
            device.WriteConfig(offset, data);
            foreach (PciBar bar in device.Bars)
            {
                if (bar.Wanted != bar.At)
                {
                    slots.Move();
                    return;
                }
            }
        }

        public void Save(StateWriter writer) => device.Save(writer);

        public void Restore(StateReader reader)
        {
            device.Restore(reader);
            slots.Move();
        }
    }
}
