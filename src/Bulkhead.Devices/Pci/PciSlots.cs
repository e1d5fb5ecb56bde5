using System.Numerics;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The slots of bus 0: gives each device a number, an interrupt pin and an address, and follows the guest's moving its BAR.</summary>
/// <remarks><i>Threading</i>: devices are added while the machine is built; BARs move under the PCI host's lock, pins under their own.</remarks>
public sealed class PciSlots(PciHost host, IoBus memory, IInterruptPins pins, uint window, Func<int, int> pinOf) : IInterruptPins
{
    private readonly Lock _lock = new();
    private readonly uint[] _high = new uint[256]; // by pin: which slots drive it
    private readonly List<Placed> _placed = [];
    private readonly IoBus _memory = memory;
    private uint _window = window;
    private int _next = 1;

    /// <summary>Puts a device into the next slot.</summary>
    /// <param name="make">Makes it, with the wire to its interrupt pin.</param>
    public IPciDevice Add(Func<InterruptLine, IPciDevice> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        int slot = _next++;
        IPciDevice device = make(new InterruptLine(this, slot));
        uint address = (_window + device.BarBytes - 1) & ~(device.BarBytes - 1);
        _window = address + device.BarBytes;
        device.Place(address);
        var placed = new Placed(this, device);
        _placed.Add(placed);
        host.Register(slot, 0, placed);
        return device;
    }

    /// <summary>Puts BARs where the guest wants them now. One over another, or over itself, is nowhere until there is room.</summary>
    private void Move()
    {
        foreach (Placed placed in _placed)
        {
            placed.Leave();
        }

        foreach (Placed placed in _placed)
        {
            placed.Enter();
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

    /// <summary>A device whose BAR follows what its configuration space says.</summary>
    private sealed class Placed(PciSlots slots, IPciDevice device) : IPciFunction
    {
        private ulong? _at;

        public void ReadConfig(int offset, Span<byte> data) => device.ReadConfig(offset, data);

        public void WriteConfig(int offset, ReadOnlySpan<byte> data)
        {
            ulong? before = device.BarAddress;
            device.WriteConfig(offset, data);
            if (device.BarAddress != before)
            {
                slots.Move();
            }
        }

        public void Save(StateWriter writer) => device.Save(writer);

        public void Restore(StateReader reader)
        {
            device.Restore(reader);
            slots.Move();
        }

        internal void Leave()
        {
            if (_at is not null && _at != device.BarAddress)
            {
                slots._memory.Unmap(device.Bar);
                _at = null;
            }
        }

        internal void Enter()
        {
            if (_at is null && device.BarAddress is { } address && slots._memory.TryMap(address, device.BarBytes, device.Bar))
            {
                _at = address;
            }
        }
    }
}
