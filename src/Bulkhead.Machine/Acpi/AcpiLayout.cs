namespace Bulkhead.Machine.Acpi;

/// <summary>Ports, addresses and interrupts of the chipset as the ACPI tables name them and the builder maps them.</summary>
internal static class AcpiLayout
{
    internal const ushort Pm1EventPort = 0x600;
    internal const ushort Pm1ControlPort = 0x604;
    internal const ushort PmTimerPort = 0x608;
    internal const ushort KvmClockPort = 0x60C;
    internal const ushort ResetPort = 0xCF9;
    internal const byte ResetValue = 6;
    internal const byte SciInterrupt = 9;
    internal const byte SleepTypeS5 = 5;
    internal const ushort Com1Port = 0x3F8;
    internal const byte Com1Interrupt = 4;
    internal const ushort KeyboardPort = 0x60;
    internal const ushort KeyboardCommandPort = 0x64;
    internal const byte KeyboardInterrupt = 1;
    internal const uint LocalApic = 0xFEE0_0000;
    internal const uint IoApic = 0xFEC0_0000;
    internal const byte IoApicId = 0;
    internal const uint Hpet = 0xFED0_0000;

    /// <summary>HPET capabilities, low half: revision 1, three 64-bit comparators, legacy replacement, vendor 8086h.</summary>
    internal const uint HpetBlockId = 0x8086_A201;

    /// <summary>The I/O APIC pins the HPET offers, a bit each, but for those of virtio windows that there are: ISA and PCI have the others.</summary>
    internal const uint HpetPins = 0xF0_0000;

    /// <summary>Where registers of PCI devices begin.</summary>
    internal const uint PciRegisters = 0xE000_0000;

    /// <summary>Where memory of PCI devices begins, far behind any RAM.</summary>
    internal const ulong PciMemory = 1ul << 44;

    /// <summary>How much there is room for.</summary>
    internal const ulong PciMemoryBytes = 1ul << 44;

    /// <summary>Where the register windows of virtio devices that are not on PCI begin.</summary>
    internal const uint VirtioWindows = 0xFED8_0000;

    /// <summary>The I/O APIC pin of the first of them; each has its own.</summary>
    internal const byte VirtioInterruptBase = 20;

    /// <summary>How many there can be.</summary>
    internal const int MostVirtioWindows = 4;

    /// <summary>The first I/O APIC pin of PCI interrupts; device and pin rotate over four.</summary>
    internal const byte PciInterruptBase = 16;
}
