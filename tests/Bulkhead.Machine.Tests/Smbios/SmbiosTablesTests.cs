using System.Buffers.Binary;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Smbios;
using Xunit;

namespace Bulkhead.Machine.Tests.Smbios;

public sealed class SmbiosTablesTests
{
    private const uint Scan = 0xF_0000;
    private const int ScanBytes = 0x1_0000;
    private const ulong MiB = 1 << 20;
    private const ulong GiB = 1 << 30;
    private static readonly Guid s_uuid = new("00112233-4455-8677-8899-aabbccddeeff");

    // Lengths of version 3.0, as the specification has them.
    private static readonly Dictionary<byte, int> s_lengths = new()
    {
        [0] = 0x18, [1] = 0x1B, [3] = 0x16, [4] = 0x30, [16] = 0x17, [17] = 0x28, [19] = 0x1F, [32] = 0x0B, [127] = 4,
    };

    [Fact]
    public void Write_EntryPoints_AreFoundByAScanAndLeadToTheStructures()
    {
        using var memory = new GuestMemory("smbios", 4 << 20);
        SmbiosTables.Write(memory, Machine());
        byte[] area = new byte[ScanBytes];
        Assert.True(memory.TryRead(new Gpa(Scan), area));

        int entry = Find(area, "_SM3_");
        Assert.Equal(24, area[entry + 6]);
        Assert.Equal(0, TableWriter.Checksum(area.AsSpan(entry, 24)));
        Assert.Equal([3, 0, 0, 1], area[(entry + 7)..(entry + 11)]);
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(area.AsSpan(entry + 12));
        ulong at = BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(entry + 16));

        int old = Find(area, "_SM_");
        Assert.Equal(31, area[old + 5]);
        Assert.Equal(0, TableWriter.Checksum(area.AsSpan(old, 31)));
        Assert.Equal(0, TableWriter.Checksum(area.AsSpan(old + 16, 15)));
        Assert.Equal("_DMI_", Encoding.ASCII.GetString(area, old + 16, 5));
        Assert.Equal([3, 0], area[(old + 6)..(old + 8)]);
        Assert.Equal((bytes, at), (BinaryPrimitives.ReadUInt16LittleEndian(area.AsSpan(old + 0x16)), BinaryPrimitives.ReadUInt32LittleEndian(area.AsSpan(old + 0x18))));

        byte[] tables = area[(int)(at - Scan)..][..bytes];
        List<Structure> structures = Walk(tables);
        Assert.Equal(structures.Count, BinaryPrimitives.ReadUInt16LittleEndian(area.AsSpan(old + 0x1C)));
        Assert.Equal(structures.Max(static s => s.Bytes), BinaryPrimitives.ReadUInt16LittleEndian(area.AsSpan(old + 8)));
        Assert.Equal(SmbiosTables.Build(Machine(), bios: true).Bytes, tables);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Build_Structures_HaveTheirLengthsAndHandlesOfTheirOwn(bool bios)
    {
        List<Structure> structures = Walk(SmbiosTables.Build(Machine(high: GiB), bios).Bytes);

        byte[] types = [1, 3, 4, 16, 17, 19, 19, 32, 127];
        Assert.Equal(bios ? [0, .. types] : types, structures.Select(static s => s.Type));
        Assert.All(structures, static s => Assert.Equal(s_lengths[s.Type], s.Fields.Length));
        Assert.Equal(structures.Count, structures.Select(static s => s.Handle).Distinct().Count());
    }

    [Fact]
    public void Build_References_NameTheMemoryArray()
    {
        List<Structure> structures = Walk(SmbiosTables.Build(Machine(high: GiB), bios: true).Bytes);

        ushort array = structures.Single(static s => s.Type == 16).Handle;
        Assert.Equal(array, structures.Single(static s => s.Type == 17).Word(4));
        Assert.All(structures.Where(static s => s.Type == 19), s => Assert.Equal(array, s.Word(12)));
    }

    [Fact]
    public void Build_System_HasNamesAndTheUuidWithItsFirstFieldsTurned()
    {
        Structure system = Walk(SmbiosTables.Build(Machine(), bios: true).Bytes).Single(static s => s.Type == 1);

        Assert.Equal(["Bulkhead", "Bulkhead Domain"], system.Strings);
        Assert.Equal((1, 2, 6), (system.Fields[4], system.Fields[5], system.Fields[0x18]));
        Assert.Equal(Convert.FromHexString("33221100554477868899AABBCCDDEEFF"), system.Fields[8..0x18]);
    }

    [Theory]
    [InlineData(1, 0x24)]
    [InlineData(8, 0x2C)]
    public void Build_Processor_HasACoreForEachVcpu(int vcpus, int characteristics)
    {
        Structure processor = Walk(SmbiosTables.Build(Machine(vcpus), bios: true).Bytes).Single(static s => s.Type == 4);

        Assert.Equal([(byte)vcpus, (byte)vcpus, (byte)vcpus], processor.Fields[0x23..0x26]);
        Assert.Equal((characteristics, vcpus, vcpus, vcpus), (processor.Word(0x26), processor.Word(0x2A), processor.Word(0x2C), processor.Word(0x2E)));
    }

    [Theory]
    [InlineData(256 * MiB, 0, 256, 0u)]
    [InlineData((20 * MiB) + 4096, 0, 0x8000 | 20484, 0u)]
    [InlineData((256 * MiB) + 4096, 0, 256, 0u)]
    [InlineData(3 * GiB, 29 * GiB, 0x7FFF, 32768u)]
    [InlineData(3 * GiB, 1021 * GiB, 0x7FFF, 1u << 20)]
    public void Build_Memory_HasItsSizeAndWhereItLies(ulong low, ulong high, int size, uint extended)
    {
        List<Structure> structures = Walk(SmbiosTables.Build(Machine(low: low, high: high), bios: true).Bytes);

        Structure device = structures.Single(static s => s.Type == 17);
        Assert.Equal((size, extended), (device.Word(0x0C), device.Double(0x1C)));
        Assert.Equal((low + high) >> 10, structures.Single(static s => s.Type == 16).Double(7));
        (uint, uint)[] expected = [(0, (uint)(low >> 10) - 1), .. high > 0 ? [(4u << 20, (4u << 20) + (uint)(high >> 10) - 1)] : Array.Empty<(uint, uint)>()];
        Assert.Equal(expected, structures.Where(static s => s.Type == 19).Select(static s => (s.Double(4), s.Double(8))));
    }

    private static SmbiosMachine Machine(int vcpus = 2, ulong low = 512 * MiB, ulong high = 0) => new(s_uuid, vcpus, low, high);

    private static int Find(byte[] area, string anchor) =>
        Enumerable.Range(0, area.Length / 16).Select(static i => i * 16).Single(i => area.AsSpan(i).StartsWith(Encoding.ASCII.GetBytes(anchor)));

    // Each string that a field could name is there: the walk ends at the table's last byte.
    private static List<Structure> Walk(byte[] bytes)
    {
        var found = new List<Structure>();
        int at = 0;
        while (at < bytes.Length)
        {
            int start = at;
            byte[] fields = bytes[at..(at + bytes[at + 1])];
            at += fields.Length;
            var strings = new List<string>();
            while (bytes[at] != 0)
            {
                int length = Array.IndexOf(bytes, (byte)0, at) - at;
                strings.Add(Encoding.ASCII.GetString(bytes, at, length));
                at += length + 1;
            }

            at += strings.Count == 0 ? 2 : 1;
            Assert.Equal(0, bytes[at - 1]);
            found.Add(new Structure(fields, strings, at - start));
        }

        Assert.Equal(127, found[^1].Type);
        return found;
    }

    private sealed record Structure(byte[] Fields, List<string> Strings, int Bytes)
    {
        internal byte Type => Fields[0];

        internal ushort Handle => Word(2);

        internal ushort Word(int at) => BinaryPrimitives.ReadUInt16LittleEndian(Fields.AsSpan(at));

        internal uint Double(int at) => BinaryPrimitives.ReadUInt32LittleEndian(Fields.AsSpan(at));
    }
}
