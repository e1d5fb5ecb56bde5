using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>An I/O APIC with 24 pins, version 20h with EOI register; 4 KiB, 0xFEC00000 on a PC.</summary>
/// <remarks>
/// <para>"High" on a pin means asserted, whatever polarity the guest programs. An edge at a masked pin is lost,
/// as the manual has it; a level is offered when unmasked and again after each end of interrupt.</para>
/// <para><i>Threading</i>: any; own lock, taken after the router's, under which only the lock-free local APICs are called.</para>
/// <para><i>Source</i>: Intel 82093AA I/O Advanced Programmable Interrupt Controller, 3.2 IOAPIC Registers.</para>
/// </remarks>
/// <param name="bus">Where messages go; the caller adds this to it.</param>
/// <param name="id">The ID at reset, as in the ACPI MADT.</param>
public sealed class IoApic(ApicBus bus, byte id) : IIoDevice, IInterruptPins
{
    /// <summary>How many inputs there are.</summary>
    public const int PinCount = 24;

    private const ulong Masked = 1UL << 16;
    private const ulong Level = 1UL << 15;
    private const ulong RemoteIrr = 1UL << 14;
    private const ulong Logical = 1UL << 11;

    // Delivery status (12) and remote IRR (14) are the chip's.
    private const ulong Writable = 0xFF00_0000_0001_AFFF;

    private readonly Lock _lock = new();
    private readonly ulong[] _entries = NewEntries();
    private uint _levels;
    private byte _select;
    private uint _id = (uint)(id & 15) << 24;

    /// <summary>Whether some pin would send what a processor cannot mask: an NMI or an INIT.</summary>
    public bool CanSendUnmaskable
    {
        get
        {
            lock (_lock)
            {
                foreach (ulong entry in _entries)
                {
                    if ((entry & Masked) == 0 && ((DeliveryMode)((entry >> 8) & 7)) is DeliveryMode.Nmi or DeliveryMode.Init)
                    {
                        return true;
                    }
                }

                return false;
            }
        }
    }

    /// <inheritdoc/>
    public void SetPin(int pin, bool high)
    {
        if ((uint)pin >= PinCount)
        {
            return;
        }

        uint bit = 1u << pin;
        lock (_lock)
        {
            bool rises = high && (_levels & bit) == 0;
            _levels = high ? _levels | bit : _levels & ~bit;
            if (rises)
            {
                Offer(pin);
            }
        }
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        lock (_lock)
        {
            uint value = (offset & ~3UL) switch
            {
                0x00 => _select,
                0x10 => ReadRegister(),
                _ => 0,
            };
            LittleEndian.Put(data, value >> (8 * (int)(offset & 3)));
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        uint value = (uint)LittleEndian.Get(data);
        switch (offset)
        {
            case 0x00:
                lock (_lock)
                {
                    _select = (byte)value;
                }

                break;
            case 0x10:
                lock (_lock)
                {
                    WriteRegister(value);
                }

                break;
            case 0x40:
                EndOfInterrupt((byte)value);
                break;
        }

        return IoResult.Ok;
    }

    /// <summary>Clears remote IRR of every level pin with this vector, and offers it again where still asserted.</summary>
    internal void EndOfInterrupt(byte vector)
    {
        lock (_lock)
        {
            for (int pin = 0; pin < PinCount; pin++)
            {
                ulong entry = _entries[pin];
                if ((entry & (Level | RemoteIrr)) == (Level | RemoteIrr) && (byte)entry == vector)
                {
                    _entries[pin] = entry & ~RemoteIrr;
                    OfferLevel(pin);
                }
            }
        }
    }

    /// <summary>Offers every asserted level again.</summary>
    internal void Retry()
    {
        lock (_lock)
        {
            for (int pin = 0; pin < PinCount; pin++)
            {
                OfferLevel(pin);
            }
        }
    }

    private uint ReadRegister()
    {
        switch (_select)
        {
            case 0 or 2:
                return _id;
            case 1:
                return ((PinCount - 1) << 16) | 0x20;
        }

        int index = _select - 0x10;
        if ((uint)index >= PinCount * 2)
        {
            return 0;
        }

        ulong entry = _entries[index >> 1];
        return (index & 1) == 0 ? (uint)entry : (uint)(entry >> 32);
    }

    private void WriteRegister(uint value)
    {
        if (_select == 0)
        {
            _id = value & 0x0F00_0000;
            return;
        }

        int index = _select - 0x10;
        if ((uint)index >= PinCount * 2)
        {
            return;
        }

        int pin = index >> 1;
        ulong entry = _entries[pin];
        if ((index & 1) != 0)
        {
            _entries[pin] = (uint)entry | (((ulong)value << 32) & Writable);
            return;
        }

        entry = (entry & ~(Writable & 0xFFFF_FFFF)) | (value & Writable);
        if ((entry & Level) == 0)
        {
            // Switching a pin to edge and back is how software ends an interrupt without an EOI register.
            entry &= ~RemoteIrr;
        }

        _entries[pin] = entry;
        OfferLevel(pin);
    }

    private void OfferLevel(int pin)
    {
        if ((_entries[pin] & Level) != 0 && (_levels & (1u << pin)) != 0)
        {
            Offer(pin);
        }
    }

    private void Offer(int pin)
    {
        ulong entry = _entries[pin];
        if ((entry & (Masked | RemoteIrr)) != 0)
        {
            return;
        }

        DeliveryMode mode = (DeliveryMode)((entry >> 8) & 7);
        bool level = (entry & Level) != 0 && mode <= DeliveryMode.LowestPriority;
        bool accepted = bus.Deliver((uint)(entry >> 56), (entry & Logical) != 0, mode, (byte)entry, level);
        if (level && accepted)
        {
            _entries[pin] = entry | RemoteIrr;
        }
    }

    private static ulong[] NewEntries()
    {
        ulong[] entries = new ulong[PinCount];
        Array.Fill(entries, Masked);
        return entries;
    }
}
