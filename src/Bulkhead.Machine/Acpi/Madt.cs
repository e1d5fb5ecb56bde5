namespace Bulkhead.Machine.Acpi;

/// <summary>The interrupt controllers: a local APIC per vCPU (APIC id = index), one I/O APIC, ISA overrides.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 5.2.12 Multiple APIC Description Table.</remarks>
internal static class Madt
{
    private const uint PcatCompatible = 1;
    private const ushort ActiveHighLevel = 0xD;

    /// <summary>Builds the table.</summary>
    internal static byte[] Build(int vcpus)
    {
        TableWriter w = TableWriter.Table("APIC", 5).U32(AcpiLayout.LocalApic).U32(PcatCompatible);
        for (int i = 0; i < vcpus; i++)
        {
            _ = w.U8(0).U8(8).U8((byte)i).U8((byte)i).U32(1);
        }

        return w
            .U8(1).U8(12).U8(AcpiLayout.IoApicId).U8(0).U32(AcpiLayout.IoApic).U32(0)
            .U8(2).U8(10).U8(0).U8(0).U32(2).U16(0)
            .U8(2).U8(10).U8(0).U8(AcpiLayout.SciInterrupt).U32(AcpiLayout.SciInterrupt).U16(ActiveHighLevel)
            .U8(4).U8(6).U8(0xFF).U16(0).U8(1)
            .Finish();
    }
}
