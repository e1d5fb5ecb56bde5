using System.Diagnostics;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Boot;

namespace Bulkhead.Machine.Acpi;

/// <summary>Lays all tables out, one behind the other.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 5.2 ACPI System Description Tables.</remarks>
internal static class AcpiTables
{
    /// <summary>Where the root pointer holds the address of the tables' list, and how long that is.</summary>
    internal static readonly AcpiPointer RootToList = new(24, 8);

    /// <summary>What the root pointer's two sums are of, and where they are.</summary>
    internal static readonly (uint Length, uint At)[] RootSums = [(20, 8), (RsdpSize, 32)];

    /// <summary>Where the sum of a table is.</summary>
    internal const uint SumOffset = 9;

    private const int RsdpSize = 36;
    private const int FacsSize = 64;
    private const int Alignment = 64;
    private const int ListStart = 36;

    /// <summary>Writes the tables into the firmware area below 1 MiB and gives the address of the RSDP, where a scan of E0000h-FFFFFh finds it too.</summary>
    internal static Gpa Write(GuestMemory memory, int vcpus, int windows, bool keyboard)
    {
        ulong tables = BootLayout.FirmwareStart + Alignment;
        AcpiImage image = Build(tables, vcpus, windows, PciWindows.Own, keyboard);
        if (tables + (ulong)image.Tables.Length > BootLayout.Smbios)
        {
            throw new UnreachableException("The ACPI tables outgrew their part of the firmware area.");
        }

        LoaderWriter.Bytes(memory, BootLayout.FirmwareStart, image.Rsdp);
        LoaderWriter.Bytes(memory, tables, image.Tables);
        return new Gpa(BootLayout.FirmwareStart);
    }

    /// <summary>Builds the tables for an address.</summary>
    /// <param name="at">Where they will stand.</param>
    /// <param name="vcpus">How many processors there are.</param>
    /// <param name="windows">How many virtio devices stand in register windows.</param>
    /// <param name="pci">What addresses devices on PCI may have.</param>
    /// <param name="keyboard">Whether there is a keyboard.</param>
    internal static AcpiImage Build(ulong at, int vcpus, int windows, PciWindows pci, bool keyboard)
    {
        var tables = new List<byte>();
        ulong facs = Place(Facs());
        ulong dsdt = Place(Dsdt.Build(windows, pci, keyboard));
        byte[] fadtBytes = Fadt.Build(facs, dsdt, keyboard);
        ulong fadt = Place(fadtBytes);
        ulong madt = Place(Madt.Build(vcpus));
        ulong hpet = Place(Hpet());
        byte[] listBytes = TableWriter.Table("XSDT", 1).U64(fadt).U64(madt).U64(hpet).Finish();
        ulong list = Place(listBytes);
        uint fadtAt = (uint)(fadt - at);
        uint listAt = (uint)(list - at);
        return new AcpiImage(
            Rsdp(list),
            [.. tables],
            [
                .. Fadt.Pointers.Select(p => p with { Offset = fadtAt + p.Offset }),
                .. Enumerable.Range(0, (listBytes.Length - ListStart) / sizeof(ulong)).Select(i => new AcpiPointer(listAt + ListStart + ((uint)i * sizeof(ulong)), sizeof(ulong))),
            ],
            [(fadtAt, (uint)fadtBytes.Length), (listAt, (uint)listBytes.Length)]);

        ulong Place(byte[] table)
        {
            ulong address = at + (ulong)tables.Count;
            tables.AddRange(table);
            tables.AddRange(new byte[-table.Length & (Alignment - 1)]);
            return address;
        }
    }

    private static byte[] Rsdp(ulong xsdt)
    {
        byte[] bytes = new TableWriter().Text("RSD PTR ").U8(0).Text("BULKHD").U8(2).U32(0).U32(RsdpSize).U64(xsdt).U32(0).ToArray();
        bytes[8] = TableWriter.Checksum(bytes.AsSpan(0, 20));
        bytes[32] = TableWriter.Checksum(bytes);
        return bytes;
    }

    // Version 2, no lock held, no waking vector; no checksum by definition.
    private static byte[] Facs() => new TableWriter().Text("FACS").U32(FacsSize).Zeros(24).U8(2).Zeros(31).ToArray();

    // Source: IA-PC HPET Specification 1.0a, 3.2.4 The HPET Description Table.
    private static byte[] Hpet() => TableWriter.Table("HPET", 1)
        .U32(AcpiLayout.HpetBlockId).Address(0, 64, 0, AcpiLayout.Hpet).U8(0).U16(128).U8(0).Finish();
}
