using System.Text;

namespace Bulkhead.Machine.Acpi;

/// <summary>Terms of the ACPI machine language, as bytes: just those our namespace needs.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 20.2 AML Grammar Definition.</remarks>
internal static class Aml
{
    internal static byte[] Integer(ulong value) => value switch
    {
        0 => [0x00],
        1 => [0x01],
        <= 0xFF => [0x0A, (byte)value],
        <= 0xFFFF => [0x0B, .. BitConverter.GetBytes((ushort)value)],
        <= 0xFFFF_FFFF => [0x0C, .. BitConverter.GetBytes((uint)value)],
        _ => [0x0E, .. BitConverter.GetBytes(value)],
    };

    internal static byte[] Text(string text) => [0x0D, .. System.Text.Encoding.ASCII.GetBytes(text), 0];

    internal static byte[] Name(string name, byte[] value) => [0x08, .. NameString(name), .. value];

    internal static byte[] Package(params byte[][] elements) => [0x12, .. Sized([(byte)elements.Length, .. Join(elements)])];

    internal static byte[] Buffer(byte[] bytes) => [0x11, .. Sized([.. Integer((ulong)bytes.Length), .. bytes])];

    internal static byte[] Scope(string name, params byte[][] terms) => [0x10, .. Sized([.. NameString(name), .. Join(terms)])];

    internal static byte[] Device(string name, params byte[][] terms) => [0x5B, 0x82, .. Sized([.. NameString(name), .. Join(terms)])];

    /// <summary>A range of ports that terms may read, and one field in it of up to 63 bits, read by bytes.</summary>
    internal static byte[] PortField(string region, ushort port, byte bytes, string field) =>
    [
        0x5B, 0x80, .. NameString(region), 0x01, .. Integer(port), .. Integer(bytes),
        0x5B, 0x81, .. Sized([.. NameString(region), 0x01, .. NameString(field), (byte)(8 * bytes)]),
    ];

    /// <summary>A method without arguments.</summary>
    internal static byte[] Method(string name, params byte[][] terms) => [0x14, .. Sized([.. NameString(name), 0, .. Join(terms)])];

    /// <summary>Terms for where a field is not zero.</summary>
    internal static byte[] If(string field, params byte[][] terms) => [0xA0, .. Sized([.. NameString(field), .. Join(terms)])];

    internal static byte[] Return(byte[] value) => [0xA4, .. value];

    /// <summary>A seven-character EISA identifier such as PNP0A03, as its compressed integer.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 19.6.36 EISAID.</remarks>
    internal static byte[] EisaId(string id)
    {
        uint value = (uint)(((id[0] - 0x40) << 26) | ((id[1] - 0x40) << 21) | ((id[2] - 0x40) << 16))
            | Convert.ToUInt32(id[3..], 16);
        return [0x0C, (byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
    }

    /// <summary>A resource template: descriptors and the end tag.</summary>
    internal static byte[] Resources(params byte[][] descriptors) => Buffer([.. Join(descriptors), 0x79, 0x00]);

    /// <summary>A range of ports a device decodes.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.2.5 I/O Port Descriptor.</remarks>
    internal static byte[] Ports(ushort start, byte length) =>
        [0x47, 0x01, (byte)start, (byte)(start >> 8), (byte)start, (byte)(start >> 8), 1, length];

    /// <summary>An edge-triggered, active-high, exclusive ISA interrupt.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.2.1 IRQ Descriptor.</remarks>
    internal static byte[] Irq(byte irq)
    {
        ushort mask = (ushort)(1 << irq);
        return [0x22, (byte)mask, (byte)(mask >> 8)];
    }

    /// <summary>Memory a device decodes.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.3.4 32-Bit Fixed Memory Range Descriptor.</remarks>
    internal static byte[] Memory(uint start, uint length) => new TableWriter().U8(0x86).U16(9).U8(1).U32(start).U32(length).ToArray();

    /// <summary>A level-triggered, active-high, exclusive interrupt of an I/O APIC.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.3.6 Extended Interrupt Descriptor.</remarks>
    internal static byte[] Interrupt(uint pin) => new TableWriter().U8(0x89).U16(6).U8(1).U8(1).U32(pin).ToArray();

    /// <summary>A bus-number range a bridge passes on.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.3.5.3 Word Address Space Descriptor.</remarks>
    internal static byte[] BusNumbers(ushort first, ushort last) => Word(type: 2, typeFlags: 0, first, last);

    /// <summary>A port range a bridge passes on.</summary>
    internal static byte[] PortWindow(ushort first, ushort last) => Word(type: 1, typeFlags: 3, first, last);

    /// <summary>A memory range below 4 GiB a bridge passes on.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.3.5.2 DWord Address Space Descriptor.</remarks>
    internal static byte[] MemoryWindow(uint first, uint last) => new TableWriter()
        .U8(0x87).U16(23).U8(0).U8(0x0C).U8(0x01).U32(0).U32(first).U32(last).U32(0).U32(last - first + 1).ToArray();

    /// <summary>A memory range a bridge passes on, anywhere; it may be prefetched.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 6.4.3.5.1 QWord Address Space Descriptor.</remarks>
    internal static byte[] MemoryWindow64(ulong first, ulong last) => new TableWriter()
        .U8(0x8A).U16(43).U8(0).U8(0x0C).U8(0x07).U64(0).U64(first).U64(last).U64(0).U64(last - first + 1).ToArray();

    /// <summary>Concatenates terms.</summary>
    internal static byte[] Join(params byte[][] terms)
    {
        var all = new List<byte>();
        foreach (byte[] term in terms)
        {
            all.AddRange(term);
        }

        return [.. all];
    }

    // Flags 0x0C: minimum and maximum fixed; the bridge produces the range (bit 0 clear), positive decode.
    private static byte[] Word(byte type, byte typeFlags, ushort first, ushort last) => new TableWriter()
        .U8(0x88).U16(13).U8(type).U8(0x0C).U8(typeFlags).U16(0).U16(first).U16(last).U16(0).U16((ushort)(last - first + 1)).ToArray();

    // PkgLength counts itself. Source: ACPI 6.5, 20.2.4 Package Length Encoding.
    private static byte[] Sized(byte[] body)
    {
        int n = body.Length;
        return (n + 1) switch
        {
            < 0x40 => [(byte)(n + 1), .. body],
            _ when n + 2 < 0x1000 => [(byte)(0x40 | ((n + 2) & 0xF)), (byte)((n + 2) >> 4), .. body],
            _ => [(byte)(0x80 | ((n + 3) & 0xF)), (byte)((n + 3) >> 4), (byte)((n + 3) >> 12), .. body],
        };
    }

    // A root prefix is kept; segments are padded to four characters.
    private static byte[] NameString(string name)
    {
        bool root = name[0] == '\\';
        byte[] segment = Encoding.ASCII.GetBytes((root ? name[1..] : name).PadRight(4, '_'));
        return root ? [(byte)'\\', .. segment] : segment;
    }
}
