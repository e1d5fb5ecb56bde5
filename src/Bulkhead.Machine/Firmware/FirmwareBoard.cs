using System.Globalization;
using System.Numerics;
using System.Text;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Chipset;
using Bulkhead.Devices.Firmware;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Boot;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Smbios;

namespace Bulkhead.Machine.Firmware;

/// <summary>What firmware finds on its board besides what every guest does: the machine's description.</summary>
/// <remarks><i>Threading</i>: while the machine is built.</remarks>
internal sealed class FirmwareBoard
{
    /// <summary>The first PCI slot of a device: the one before is the chipset's.</summary>
    internal const int FirstSlot = 2;

    /// <summary>The chipset's PCI slot.</summary>
    internal const int ChipsetSlot = 1;

    private const int LeastPhysicalBits = 40;
    private const ulong LeastPciWindow = 0x8000_0000;
    private const ulong MiB = 1 << 20;
    private const ulong GiB = 1 << 30;
    private const int EntryBytes = 20;

    private readonly GuestMemory _memory;
    private readonly FirmwareImage _image;
    private readonly int _vcpus;
    private readonly IReadOnlyList<DiskRequest> _disks;
    private readonly int _cards;
    private readonly SmbiosMachine _machine;
    private readonly bool _keyboard;

    internal FirmwareBoard(GuestMemory memory, DomainRequest request, FirmwareImage image)
    {
        _memory = memory;
        _vcpus = request.Vcpus;
        _disks = request.Disks;
        _cards = request.Nets.Count;
        _machine = request.ToSmbios(memory);
        _keyboard = request.Display is not null;
        _image = image;
    }

    /// <summary>Takes what firmware says of its work.</summary>
    internal Action<byte> Log => _image.Log;

    /// <summary>Places the flash of its variables.</summary>
    internal void PlaceVariables(IoBus mmio)
    {
        if (_image.Variables is { } variables)
        {
            mmio.Map(GuestMemory.HighStart - _image.Rom.SizeBytes - (ulong)variables.Length, (ulong)variables.Length, new Flash(variables));
        }
    }

    /// <summary>What addresses firmware may give devices: below 4 GiB from 2 GiB on, or where RAM ends, and whatever is above all RAM.</summary>
    internal PciWindows Windows
    {
        get
        {
            ulong high = (GuestMemory.HighStart + _memory.HighSizeBytes + GiB - 1) & ~(GiB - 1);
            return new PciWindows((uint)Math.Max(LeastPciWindow, _memory.LowSizeBytes), high, (1ul << PhysicalBits(_memory.SizeBytes)) - high);
        }
    }

    /// <summary>How many bits a physical address has, as far as firmware is told: OVMF lays page tables of 2 MiB for all of that, which for
    /// 46 bits would be 256 MiB of them.</summary>
    internal static int PhysicalBits(ulong memoryBytes) => Math.Max(LeastPhysicalBits, BitOperations.Log2(GuestMemory.HighStart + memoryBytes) + 2);

    /// <summary>Has parts of the last 256 KiB below 1 MiB take no writes.</summary>
    internal void Protect(ushort units) => _memory.Protect(units);

    /// <summary>Describes the machine.</summary>
    internal FirmwareConfig Describe()
    {
        var config = new FirmwareConfig(_memory);
        config.Add(FirmwareConfig.RamSize, BitConverter.GetBytes(_memory.LowSizeBytes));
        config.Add(FirmwareConfig.CpuCount, BitConverter.GetBytes((ushort)_vcpus));
        config.Add(FirmwareConfig.MostCpus, BitConverter.GetBytes((ushort)_vcpus));
        config.Add(FirmwareConfig.BootMenu, BitConverter.GetBytes((ushort)0));
        config.Add("etc/e820", Map());
        config.Add("etc/sercon-port", BitConverter.GetBytes(AcpiLayout.Com1Port));
        if (BootOrder() is { Length: > 0 } order)
        {
            config.Add("bootorder", [.. Encoding.ASCII.GetBytes(order), 0]);
        }

        AcpiImage acpi = AcpiTables.Build(0, _vcpus, _disks.Count(static d => d.Mmio), Windows, _keyboard).WithoutSums();
        config.Add(TableScript.RootFile, acpi.Rsdp);
        config.Add(TableScript.TablesFile, acpi.Tables);
        config.Add("etc/table-loader", TableScript.Of(acpi));

        // Both firmwares add themselves as the BIOS. By the old entry point, as QEMU has it for this board: SeaBIOS before 1.16, and what
        // scans for nothing else, know no other; OVMF takes its version to be 2.x.
        var smbios = SmbiosTables.Build(_machine, bios: false);
        config.Add("etc/smbios/smbios-anchor", smbios.OldEntryPoint(2, 8, 0));
        config.Add("etc/smbios/smbios-tables", smbios.Bytes);
        return config;
    }

    /// <summary>Says in CMOS memory how much RAM there is and how many processors, as a PC's firmware leaves it.</summary>
    /// <remarks><i>Source</i>: Phoenix, System BIOS for IBM PCs, Compatibles, and EISA Computers, CMOS RAM Data; QEMU, hw/i386/x86.c
    /// (34h and 35h in 64 KiB above 16 MiB; 5Bh-5Dh in 64 KiB above 4 GiB; 5Fh).</remarks>
    internal void Remember(CmosRtc cmos)
    {
        ulong extendedKiB = Math.Min((_memory.LowSizeBytes - Math.Min(_memory.LowSizeBytes, MiB)) >> 10, 0xFFFF);
        ulong above16 = Math.Min((_memory.LowSizeBytes - Math.Min(_memory.LowSizeBytes, 16 * MiB)) >> 16, 0xFFFF);
        Put(0x15, 640, 2);
        Put(0x17, extendedKiB, 2);
        Put(0x30, extendedKiB, 2);
        Put(0x34, above16, 2);
        Put(0x5B, _memory.HighSizeBytes >> 16, 3);
        Put(0x5F, (ulong)(_vcpus - 1), 1);
        Put(0x3D, 0x32, 1); // disks, then discs

        void Put(byte index, ulong value, int bytes)
        {
            for (int i = 0; i < bytes; i++)
            {
                cmos.Store((byte)(index + i), (byte)(value >> (8 * i)));
            }
        }
    }

    private byte[] Map()
    {
        var writer = new TableWriter();
        Add(0, _memory.LowSizeBytes);
        if (_memory.HighSizeBytes > 0)
        {
            Add(GuestMemory.HighStart, _memory.HighSizeBytes);
        }

        System.Diagnostics.Debug.Assert(writer.Length % EntryBytes == 0, "An entry has three fields.");
        return writer.ToArray();

        void Add(ulong start, ulong length) => writer.U64(start).U64(length).U32((uint)E820Type.Ram);
    }

    /// <summary>The disks in order, then the network cards, as Open Firmware names them, a line each.</summary>
    /// <remarks>What is not named OVMF does not try; where nothing is, it tries all it finds.
    /// <i>Source</i>: QEMU, docs/system/bootindex.rst, Managing device boot order with bootindex properties.</remarks>
    internal string BootOrder()
    {
        var text = new StringBuilder();
        int slot = FirstSlot;
        foreach (DiskRequest disk in _disks)
        {
            if (!disk.Mmio)
            {
                _ = text.Append(CultureInfo.InvariantCulture, $"/pci@i0cf8/scsi@{slot++:x}/disk@0,0\n");
            }
        }

        for (int i = 0; i < _cards; i++)
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"/pci@i0cf8/ethernet@{slot++:x}/ethernet-phy@0\n");
        }

        return text.ToString();
    }
}
