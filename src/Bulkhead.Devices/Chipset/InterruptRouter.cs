using Bulkhead.Core.Interrupts;

namespace Bulkhead.Devices.Chipset;

/// <summary>The wiring between devices and both interrupt controllers: pin n is ISA IRQ n and I/O APIC input n.</summary>
/// <remarks>
/// <para>IRQ 0 reaches the I/O APIC on input 2, as the ACPI tables must say; pins 16..23 reach only the I/O APIC.
/// In the HPET's legacy mode its timers 0 and 1 take the place of the PIT on IRQ 0 and the clock on IRQ 8.</para>
/// <para><i>Threading</i>: any. The lock (for IRQ 0 and 8 only) comes after every device's and before the controllers'.</para>
/// </remarks>
public sealed class InterruptRouter(IInterruptPins pic, IInterruptPins ioApic) : IInterruptPins
{
    /// <summary>The HPET's timer 0 in legacy mode.</summary>
    public const int HpetLegacy0 = 32;

    /// <summary>The HPET's timer 1 in legacy mode.</summary>
    public const int HpetLegacy8 = 33;

    private const int IoApicPins = 24;

    private readonly Lock _lock = new();
    private bool _pit;
    private bool _clock;
    private bool _hpet0;
    private bool _hpet8;
    private bool _legacy;

    /// <summary>A wire to a pin.</summary>
    public InterruptLine Line(int pin) => new(this, pin);

    /// <inheritdoc/>
    public void SetPin(int pin, bool high)
    {
        switch (pin)
        {
            case 0 or 8 or HpetLegacy0 or HpetLegacy8:
                SetSharedPin(pin, high);
                break;
            case 2:
                break;
            default:
                Drive(pin, high);
                break;
        }
    }

    /// <summary>Switches IRQ 0 and 8 between PIT and clock (off) and the HPET (on).</summary>
    internal void SetLegacyReplacement(bool on)
    {
        lock (_lock)
        {
            _legacy = on;
            Drive(0, on ? _hpet0 : _pit);
            Drive(8, on ? _hpet8 : _clock);
        }
    }

    private void SetSharedPin(int pin, bool high)
    {
        lock (_lock)
        {
            switch (pin)
            {
                case 0:
                    _pit = high;
                    break;
                case 8:
                    _clock = high;
                    break;
                case HpetLegacy0:
                    _hpet0 = high;
                    break;
                default:
                    _hpet8 = high;
                    break;
            }

            if (_legacy == (pin is HpetLegacy0 or HpetLegacy8))
            {
                Drive(pin is 0 or HpetLegacy0 ? 0 : 8, high);
            }
        }
    }

    private void Drive(int pin, bool high)
    {
        if (pin < 16)
        {
            pic.SetPin(pin, high);
        }

        if (pin < IoApicPins)
        {
            ioApic.SetPin(pin == 0 ? 2 : pin, high);
        }
    }
}
