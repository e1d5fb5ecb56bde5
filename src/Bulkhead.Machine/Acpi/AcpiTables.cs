using System.Diagnostics;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Boot;

namespace Bulkhead.Machine.Acpi;

/// <summary>Lays all tables into the firmware area below 1 MiB.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 5.2 ACPI System Description Tables.</remarks>
internal static class AcpiTables
{
    private const int RsdpSize = 36;
    private const int FacsSize = 64;

    /// <summary>Writes the tables and gives the address of the RSDP, where a scan of E0000h-FFFFFh finds it too.</summary>
    internal static Gpa Write(GuestMemory memory, int vcpus, int windows)
    {
        ulong rsdp = BootLayout.FirmwareStart;
        ulong next = rsdp + 64;
        ulong facs = Place(memory, ref next, Facs());
        ulong dsdt = Place(memory, ref next, Dsdt.Build(windows));
        ulong fadt = Place(memory, ref next, Fadt.Build(facs, dsdt));
        ulong madt = Place(memory, ref next, Madt.Build(vcpus));
        ulong hpet = Place(memory, ref next, Hpet());
        ulong xsdt = Place(memory, ref next, TableWriter.Table("XSDT", 1).U64(fadt).U64(madt).U64(hpet).Finish());
        Put(memory, rsdp, Rsdp(xsdt));
        return new Gpa(rsdp);
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

    private static ulong Place(GuestMemory memory, ref ulong next, byte[] table)
    {
        ulong address = next;
        Put(memory, address, table);
        next = (address + (ulong)table.Length + 63) & ~63ul;
        return address;
    }

    private static void Put(GuestMemory memory, ulong address, byte[] table)
    {
        if (address + (ulong)table.Length > BootLayout.FirmwareEnd)
        {
            throw new UnreachableException("The ACPI tables outgrew the firmware area.");
        }

        LoaderWriter.Bytes(memory, address, table);
    }
}
