using System.Diagnostics;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Boot;

namespace Bulkhead.Machine.Smbios;

/// <summary>Describes a machine by SMBIOS: the structures, one behind the other, and the entry points that lead to them.</summary>
/// <remarks>
/// The fields are those of version 3.0; who reads them as an older version finds that version's first, and steps over the others.
/// <i>Source</i>: DMTF DSP0134 3.7, System Management BIOS (SMBIOS) Reference Specification, 5.2 and 7.
/// </remarks>
internal sealed class SmbiosTables
{
    private const string Maker = "Bulkhead";
    private const string Product = "Bulkhead Domain";

    // Of the board, not of this program: a guest does not find another machine because the program was renewed. Linux looks at the year,
    // and takes a machine without one, or of before 2008, for an old one with that time's faults.
    private const string BiosVersion = "1.0";
    private const string BiosDate = "01/01/2026";

    private const byte Safe = 3; // states of a chassis
    private const byte Other = 1;
    private const byte Unknown = 2;
    private const ushort NoHandle = 0xFFFF;
    private const ushort NoErrors = 0xFFFE;
    private const int KiB = 10;
    private const int MiB = 20;
    private const ulong MostInUnits = 0x7FFF;

    private readonly List<byte> _bytes = [];
    private int _count;
    private int _largest;

    private SmbiosTables()
    {
    }

    /// <summary>The structures.</summary>
    internal byte[] Bytes => [.. _bytes];

    /// <summary>Builds the structures.</summary>
    /// <param name="machine">What they describe.</param>
    /// <param name="bios">Whether a BIOS is among them; firmware that gets the others adds itself.</param>
    internal static SmbiosTables Build(SmbiosMachine machine, bool bios)
    {
        var tables = new SmbiosTables();
        if (bios)
        {
            tables.Add(Bios());
        }

        ushort memory = Handle(16);
        ulong bytes = machine.LowBytes + machine.HighBytes;
        tables.Add(System(machine.Uuid));
        tables.Add(Chassis());
        tables.Add(Processor(machine.Vcpus));
        tables.Add(MemoryArray(memory, bytes));
        tables.Add(MemoryDevice(memory, bytes));
        tables.Add(MappedAddress(0, memory, 0, machine.LowBytes));
        if (machine.HighBytes > 0)
        {
            tables.Add(MappedAddress(1, memory, GuestMemory.HighStart, machine.HighBytes));
        }

        tables.Add(Boot());
        tables.Add(new SmbiosStructure(127, Handle(127)).Finish());
        return tables;
    }

    /// <summary>Writes structures and both entry points where a scan of F0000h-FFFFFh finds them.</summary>
    internal static void Write(GuestMemory memory, SmbiosMachine machine)
    {
        SmbiosTables tables = Build(machine, bios: true);
        const ulong old = BootLayout.Smbios + 0x20, at = BootLayout.Smbios + 0x40;
        if (at + (ulong)tables._bytes.Count > BootLayout.FirmwareEnd)
        {
            throw new UnreachableException("The SMBIOS structures outgrew the firmware area.");
        }

        LoaderWriter.Bytes(memory, BootLayout.Smbios, tables.EntryPoint(at));
        LoaderWriter.Bytes(memory, old, tables.OldEntryPoint(3, 0, (uint)at)); // two entry points must name one version
        LoaderWriter.Bytes(memory, at, tables.Bytes);
    }

    /// <summary>The 64-bit entry point, for structures at an address.</summary>
    /// <remarks><i>Source</i>: DSP0134 3.7, 5.2.2 SMBIOS 3.0 (64-bit) Entry Point.</remarks>
    internal byte[] EntryPoint(ulong at)
    {
        byte[] bytes = new TableWriter().Text("_SM3_").U8(0).U8(24).U8(3).U8(0).U8(0).U8(1).U8(0).U32((uint)_bytes.Count).U64(at).ToArray();
        bytes[5] = TableWriter.Checksum(bytes);
        return bytes;
    }

    /// <summary>The 32-bit entry point, likewise.</summary>
    /// <remarks><i>Source</i>: DSP0134 3.7, 5.2.1 SMBIOS 2.1 (32-bit) Entry Point.</remarks>
    internal byte[] OldEntryPoint(byte major, byte minor, uint at)
    {
        byte[] bytes = new TableWriter()
            .Text("_SM_").U8(0).U8(31).U8(major).U8(minor).U16((ushort)_largest).U8(0).Zeros(5)
            .Text("_DMI_").U8(0).U16((ushort)_bytes.Count).U32(at).U16((ushort)_count).U8((byte)((major << 4) | minor)).ToArray();
        bytes[0x15] = TableWriter.Checksum(bytes.AsSpan(0x10));
        bytes[4] = TableWriter.Checksum(bytes);
        return bytes;
    }

    private static ushort Handle(byte type, int index = 0) => (ushort)((type << 8) | index);

    private void Add(byte[] structure)
    {
        _bytes.AddRange(structure);
        _count++;
        _largest = Math.Max(_largest, structure.Length);
    }

    // 7.1: the firmware area as its place; no characteristics that it could say; ACPI; a virtual machine.
    private static byte[] Bios()
    {
        var s = new SmbiosStructure(0, Handle(0));
        _ = s.Fields
            .U8(s.Text(Maker)).U8(s.Text(BiosVersion)).U16((ushort)(BootLayout.FirmwareStart >> 4)).U8(s.Text(BiosDate))
            .U8((byte)(((BootLayout.FirmwareEnd - BootLayout.FirmwareStart) >> 16) - 1))
            .U64(1 << 3).U8(1 << 0).U8(1 << 4).U8(1).U8(0).U8(0xFF).U8(0xFF);
        return s.Finish();
    }

    // 7.2: without serial number; woken by the power switch.
    private static byte[] System(Guid uuid)
    {
        var s = new SmbiosStructure(1, Handle(1));
        _ = s.Fields.U8(s.Text(Maker)).U8(s.Text(Product)).U8(0).U8(0).Bytes(uuid.ToByteArray(bigEndian: false)).U8(6).U8(0).U8(0);
        return s.Finish();
    }

    // 7.4
    private static byte[] Chassis()
    {
        var s = new SmbiosStructure(3, Handle(3));
        _ = s.Fields.U8(s.Text(Maker)).U8(Other).U8(0).U8(0).U8(0).U8(Safe).U8(Safe).U8(Safe).U8(Unknown).U32(0).U8(0).U8(0).U8(0).U8(0).U8(0);
        return s.Finish();
    }

    // 7.5: one package with a core for each vCPU, as CPUID has it; what CPUID says better stays unknown.
    private static byte[] Processor(int vcpus)
    {
        const byte central = 3, populated = 0x41;
        const ushort wide = 1 << 2, cores = 1 << 3, executeProtection = 1 << 5;
        var s = new SmbiosStructure(4, Handle(4));
        _ = s.Fields
            .U8(s.Text("CPU 0")).U8(central).U8(Other).U8(s.Text(Maker)).U64(0).U8(0).U8(0).U16(0).U16(0).U16(0).U8(populated).U8(Unknown)
            .U16(NoHandle).U16(NoHandle).U16(NoHandle).U8(0).U8(0).U8(0)
            .U8((byte)vcpus).U8((byte)vcpus).U8((byte)vcpus).U16((ushort)(wide | executeProtection | (vcpus > 1 ? cores : 0))).U16(Other)
            .U16((ushort)vcpus).U16((ushort)vcpus).U16((ushort)vcpus);
        return s.Finish();
    }

    // 7.17: system memory without error correction, of one device.
    private static byte[] MemoryArray(ushort handle, ulong bytes)
    {
        const byte onBoard = 3, system = 3, uncorrected = 3;
        const uint extended = 0x8000_0000;
        bool large = bytes >> KiB >= extended;
        var s = new SmbiosStructure(16, handle);
        _ = s.Fields.U8(onBoard).U8(system).U8(uncorrected).U32(large ? extended : (uint)(bytes >> KiB)).U16(NoErrors).U16(1).U64(large ? bytes : 0);
        return s.Finish();
    }

    // 7.18: in MiB as far as 15 bits go, then in a field of its own; in KiB where MiB would not be exact.
    private static byte[] MemoryDevice(ushort array, ulong bytes)
    {
        const ushort inKiB = 0x8000;
        const byte dimm = 9, ram = 7;
        const ushort otherDetail = 1 << 1;
        ulong size = bytes >> MiB;
        bool exact = size << MiB == bytes;
        ushort word = !exact && bytes >> KiB < MostInUnits ? (ushort)(inKiB | (bytes >> KiB)) : (ushort)Math.Min(size, MostInUnits);
        var s = new SmbiosStructure(17, Handle(17));
        _ = s.Fields
            .U16(array).U16(NoErrors).U16(0xFFFF).U16(0xFFFF).U16(word).U8(dimm).U8(0).U8(s.Text("DIMM 0")).U8(0).U8(ram).U16(otherDetail)
            .U16(0).U8(s.Text(Maker)).U8(0).U8(0).U8(0).U8(0).U32(word == MostInUnits ? (uint)size : 0).U16(0).U16(0).U16(0).U16(0);
        return s.Finish();
    }

    // 7.20: the first and the last KiB.
    private static byte[] MappedAddress(int index, ushort array, ulong start, ulong length)
    {
        ulong last = ((start + length) >> KiB) - 1;
        bool large = last >= uint.MaxValue;
        var s = new SmbiosStructure(19, Handle(19, index));
        _ = s.Fields
            .U32(large ? uint.MaxValue : (uint)(start >> KiB)).U32(large ? uint.MaxValue : (uint)last).U16(array).U8(1)
            .U64(large ? start : 0).U64(large ? start + length - 1 : 0);
        return s.Finish();
    }

    // 7.33: no errors.
    private static byte[] Boot()
    {
        var s = new SmbiosStructure(32, Handle(32));
        _ = s.Fields.Zeros(6).U8(0);
        return s.Finish();
    }
}
