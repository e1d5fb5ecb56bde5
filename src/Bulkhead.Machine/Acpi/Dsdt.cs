using Bulkhead.Devices.Virtio;

namespace Bulkhead.Machine.Acpi;

/// <summary>The namespace: what soft-off means, the PCI root bridge, and the fixed devices.</summary>
internal static class Dsdt
{
    private const int PciDevices = 32;

    /// <summary>Builds the table.</summary>
    /// <param name="windows">How many virtio devices stand in register windows.</param>
    /// <param name="pci">What addresses devices on PCI may have.</param>
    /// <param name="keyboard">Whether there is a keyboard.</param>
    internal static byte[] Build(int windows, PciWindows pci, bool keyboard) => TableWriter.Table("DSDT", 2).Bytes(Aml.Join(
        Aml.Name("\\_S5", Aml.Package(Aml.Integer(AcpiLayout.SleepTypeS5), Aml.Integer(AcpiLayout.SleepTypeS5), Aml.Integer(0), Aml.Integer(0))),
        Aml.Scope(
            "\\_SB",
            Aml.Join([.. Enumerable.Range(0, windows).Select(VirtioWindow)]),
            Aml.Device(
                "PCI0",
                Aml.Name("_HID", Aml.EisaId("PNP0A03")),
                Aml.Name("_UID", Aml.Integer(0)),
                Aml.Name("_BBN", Aml.Integer(0)),
                Aml.Name("_CRS", Aml.Resources(
                    Aml.BusNumbers(0, 0xFF),
                    Aml.Ports(0xCF8, 8),
                    Aml.PortWindow(0, 0xCF7),
                    Aml.PortWindow(0xD00, 0xFFFF),
                    Aml.MemoryWindow(pci.Low, AcpiLayout.IoApic - 1),
                    Aml.MemoryWindow64(pci.High, pci.High + pci.HighBytes - 1))),
                Aml.Name("_PRT", InterruptRouting()),
                Aml.Device(
                    "RTC0",
                    Aml.Name("_HID", Aml.EisaId("PNP0B00")),
                    Aml.PortField("KCLK", AcpiLayout.KvmClockPort, 1, "KVMC"),
                    Aml.Method(
                        "_CRS",
                        Aml.If("KVMC", Aml.Return(Aml.Resources())), // see KvmClock
                        Aml.Return(Aml.Resources(Aml.Ports(0x70, 8), Aml.Irq(8))))),
                Aml.Device(
                    "COM1",
                    Aml.Name("_HID", Aml.EisaId("PNP0501")),
                    Aml.Name("_UID", Aml.Integer(1)),
                    Aml.Name("_STA", Aml.Integer(0xF)),
                    Aml.Name("_CRS", Aml.Resources(Aml.Ports(AcpiLayout.Com1Port, 8), Aml.Irq(AcpiLayout.Com1Interrupt)))),
                keyboard ? Keyboard() : [])))).Finish();

    /// <summary>The I/O APIC pin of a PCI device's INTA..INTD (0..3).</summary>
    internal static byte PciPin(int device, int pin) => (byte)(AcpiLayout.PciInterruptBase + ((device + pin) & 3));

    private static byte[] Keyboard() => Aml.Device(
        "KBD",
        Aml.Name("_HID", Aml.EisaId("PNP0303")),
        Aml.Name("_STA", Aml.Integer(0xF)),
        Aml.Name("_CRS", Aml.Resources(Aml.Ports(AcpiLayout.KeyboardPort, 1), Aml.Ports(AcpiLayout.KeyboardCommandPort, 1), Aml.Irq(AcpiLayout.KeyboardInterrupt))));

    private static byte[] VirtioWindow(int index) => Aml.Device(
        $"VIO{index}",
        Aml.Name("_HID", Aml.Text("LNRO0005")), // by which Linux knows them
        Aml.Name("_UID", Aml.Integer((ulong)index)),
        Aml.Name("_CRS", Aml.Resources(
            Aml.Memory(AcpiLayout.VirtioWindows + ((uint)index * MmioSlots.WindowBytes), MmioSlots.WindowBytes),
            Aml.Interrupt((uint)(AcpiLayout.VirtioInterruptBase + index)))));

    // Package { device << 16 | FFFF, pin, 0, GSI }. Source: ACPI 6.5, 6.2.13 _PRT (PCI Routing Table).
    private static byte[] InterruptRouting()
    {
        var entries = new List<byte[]>();
        for (int device = 1; device < PciDevices; device++)
        {
            for (int pin = 0; pin < 4; pin++)
            {
                entries.Add(Aml.Package(
                    Aml.Integer(((ulong)device << 16) | 0xFFFF), Aml.Integer((ulong)pin), Aml.Integer(0), Aml.Integer(PciPin(device, pin))));
            }
        }

        return Aml.Package([.. entries]);
    }
}
