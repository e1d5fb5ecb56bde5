using Bulkhead.Core.Interrupts;

namespace Bulkhead.Devices.Chipset;

/// <summary>What carries interrupt messages between the local APICs and I/O APICs of a domain, and the LINT wires.</summary>
/// <remarks>
/// <para><i>Threading</i>: members are added while the machine is built; delivery from any thread, without a lock.</para>
/// <para><i>Source</i>: Intel SDM Vol. 3A, 11.6.2 Determining IPI Destination.</para>
/// </remarks>
public sealed class ApicBus : IInterruptPins, IInterruptMessages
{
    /// <summary>The PIC's INTR, wired to LINT0 of the bootstrap processor.</summary>
    public const int IntrPin = 0;

    /// <summary>The NMI wire, on LINT1 of every processor.</summary>
    public const int NmiPin = 1;

    private readonly LocalApic?[] _byId = new LocalApic?[256];
    private LocalApic[] _apics = [];
    private IoApic[] _ioApics = [];
    private Pic8259Pair? _pic;

    /// <summary>Adds a processor's APIC.</summary>
    public void Add(LocalApic apic)
    {
        if (apic.Id < 256)
        {
            _byId[apic.Id] = apic;
        }

        _apics = [.. _apics, apic];
    }

    /// <summary>Adds an I/O APIC, which then hears of ends of interrupt.</summary>
    public void Add(IoApic ioApic) => _ioApics = [.. _ioApics, ioApic];

    /// <summary>Names the PIC that answers when a processor acknowledges an external interrupt.</summary>
    public void Attach(Pic8259Pair pic) => _pic = pic;

    /// <summary>A wire to one of the two pins.</summary>
    public InterruptLine Line(int pin) => new(this, pin);

    /// <inheritdoc/>
    public void SetPin(int pin, bool high)
    {
        foreach (LocalApic apic in _apics)
        {
            if (pin == NmiPin)
            {
                apic.SetLint1(high);
            }
            else if (apic.IsBootstrap)
            {
                apic.SetLint0(high);
            }
        }
    }

    /// <summary>A message signalled interrupt: a doubleword written to 0xFEExxxxx.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 11.11 Message Signalled Interrupts.</remarks>
    public bool DeliverMessage(ulong address, uint data) => Deliver(
        (uint)(address >> 12) & 0xFF,
        logical: (address & 4) != 0,
        (DeliveryMode)((data >> 8) & 7),
        (byte)data,
        level: (data & 0x8000) != 0);

    /// <inheritdoc/>
    void IInterruptMessages.Send(ulong address, uint data)
    {
        if ((address & ~0xF_FFFFul) == 0xFEE0_0000)
        {
            _ = DeliverMessage(address, data);
        }
    }

    /// <summary>Delivers a message with an 8-bit destination (I/O APIC, MSI); false when nobody accepted it.</summary>
    public bool Deliver(uint destination, bool logical, DeliveryMode mode, byte vector, bool level) =>
        Deliver(destination, logical, wide: false, mode, vector, level);

    internal bool Deliver(uint destination, bool logical, bool wide, DeliveryMode mode, byte vector, bool level)
    {
        if (!logical && destination < 0xFF && _byId[destination] is { } single)
        {
            return single.Accept(mode, vector, level);
        }

        if (mode == DeliveryMode.LowestPriority)
        {
            return DeliverLowest(destination, logical, wide, vector, level);
        }

        bool accepted = false;
        foreach (LocalApic apic in _apics)
        {
            if (apic.Matches(destination, logical, wide))
            {
                accepted |= apic.Accept(mode, vector, level);
            }
        }

        return accepted;
    }

    /// <summary>Delivers to everyone, with or without <paramref name="sender"/>.</summary>
    internal void Broadcast(LocalApic sender, bool self, DeliveryMode mode, byte vector)
    {
        foreach (LocalApic apic in _apics)
        {
            if (self || !ReferenceEquals(apic, sender))
            {
                apic.Accept(mode, vector, level: false);
            }
        }
    }

    /// <summary>A level-triggered interrupt was handled.</summary>
    internal void EndOfInterrupt(byte vector)
    {
        foreach (IoApic ioApic in _ioApics)
        {
            ioApic.EndOfInterrupt(vector);
        }
    }

    /// <summary>A processor began to accept interrupts: levels that nobody took are offered again.</summary>
    internal void Retry()
    {
        foreach (IoApic ioApic in _ioApics)
        {
            ioApic.Retry();
        }
    }

    internal bool TryAcknowledgePic(out byte vector)
    {
        if (_pic is { } pic)
        {
            return pic.TryAcknowledge(out vector);
        }

        vector = 0;
        return false;
    }

    private bool DeliverLowest(uint destination, bool logical, bool wide, byte vector, bool level)
    {
        LocalApic? best = null;
        foreach (LocalApic apic in _apics)
        {
            bool candidate = apic.AcceptsFixed && apic.Matches(destination, logical, wide);
            if (candidate && (best is null || apic.ProcessorPriority < best.ProcessorPriority))
            {
                best = apic;
            }
        }

        return best is not null && best.Accept(DeliveryMode.Fixed, vector, level);
    }
}
