using System.Buffers.Binary;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Acpi;
using Xunit;

namespace Bulkhead.Machine.Tests.Acpi;

public sealed class AcpiTablesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void Write_AnyVcpuCount_EveryTableSumsToZero(int vcpus)
    {
        using var memory = new GuestMemory("acpi", 4 << 20);
        Dictionary<string, byte[]> tables = Walk(memory, AcpiTables.Write(memory, vcpus, 0, keyboard: false));
        Assert.Equal(["APIC", "DSDT", "FACP", "FACS", "HPET", "XSDT"], tables.Keys.Order());
        foreach ((string name, byte[] bytes) in tables)
        {
            if (name != "FACS")
            {
                Assert.Equal(0, TableWriter.Checksum(bytes));
            }
        }
    }

    [Fact]
    public void Write_Fadt_HasTheLengthAndOffsetsOfRevision6()
    {
        using var memory = new GuestMemory("acpi", 4 << 20);
        byte[] fadt = Walk(memory, AcpiTables.Write(memory, 1, 0, keyboard: false))["FACP"];
        Assert.Equal(276, fadt.Length);
        Assert.Equal(AcpiLayout.SciInterrupt, BinaryPrimitives.ReadUInt16LittleEndian(fadt.AsSpan(46)));
        Assert.Equal(AcpiLayout.Pm1EventPort, BinaryPrimitives.ReadUInt32LittleEndian(fadt.AsSpan(56)));
        Assert.Equal(AcpiLayout.PmTimerPort, BinaryPrimitives.ReadUInt32LittleEndian(fadt.AsSpan(76)));
        Assert.Equal(5, BinaryPrimitives.ReadUInt16LittleEndian(fadt.AsSpan(109)));
        Assert.Equal(AcpiLayout.ResetPort, BinaryPrimitives.ReadUInt64LittleEndian(fadt.AsSpan(120)));
        Assert.Equal(AcpiLayout.ResetValue, fadt[128]);
        Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(fadt.AsSpan(40)), BinaryPrimitives.ReadUInt64LittleEndian(fadt.AsSpan(140)));
        Assert.Equal(AcpiLayout.PmTimerPort, BinaryPrimitives.ReadUInt64LittleEndian(fadt.AsSpan(212)));
    }

    [Fact]
    public void Write_Facs_Is64ByteAlignedAndAloneWithoutChecksum()
    {
        using var memory = new GuestMemory("acpi", 4 << 20);
        byte[] fadt = Walk(memory, AcpiTables.Write(memory, 1, 0, keyboard: false))["FACP"];
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(fadt.AsSpan(36)) % 64);
    }

    /// <summary>With BULKHEAD_ACPI_DUMP set to a directory, leaves the tables there for a disassembler.</summary>
    [Fact]
    public void Write_Madt_NamesEveryVcpu()
    {
        using var memory = new GuestMemory("acpi", 4 << 20);
        Dictionary<string, byte[]> tables = Walk(memory, AcpiTables.Write(memory, 3, 2, keyboard: false));
        byte[] madt = tables["APIC"];
        Assert.Equal(44 + (3 * 8) + 12 + 10 + 10 + 6, madt.Length);
        Assert.Equal([0, 8, 2, 2, 1, 0, 0, 0], madt.AsSpan(44 + 16, 8).ToArray());
        if (Environment.GetEnvironmentVariable("BULKHEAD_ACPI_DUMP") is { } directory)
        {
            foreach ((string name, byte[] bytes) in tables)
            {
                File.WriteAllBytes(Path.Combine(directory, name + ".dat"), bytes);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void Write_Dsdt_NamesEveryVirtioWindow(int windows)
    {
        using var memory = new GuestMemory("acpi", 4 << 20);
        string dsdt = Encoding.Latin1.GetString(Walk(memory, AcpiTables.Write(memory, 1, windows, keyboard: false))["DSDT"]);
        Assert.Equal(windows, dsdt.Split("LNRO0005").Length - 1);
        for (int i = 0; i < windows; i++)
        {
            Assert.Contains(Encoding.Latin1.GetString([0x86, 9, 0, 1, 0, (byte)(i << 4), 0xD8, 0xFE, 0, 0x10, 0, 0]), dsdt, StringComparison.Ordinal);
            Assert.Contains(Encoding.Latin1.GetString([0x89, 6, 0, 1, 1, (byte)(20 + i), 0, 0, 0]), dsdt, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Write_Keyboard_IsNamedWhereItIs(bool keyboard)
    {
        using var memory = new GuestMemory("acpi", 4 << 20);
        Dictionary<string, byte[]> tables = Walk(memory, AcpiTables.Write(memory, 1, 0, keyboard));
        Assert.Equal(keyboard ? 7 : 5, BinaryPrimitives.ReadUInt16LittleEndian(tables["FACP"].AsSpan(109)));
        string dsdt = Encoding.Latin1.GetString(tables["DSDT"]);
        Assert.Equal(keyboard, dsdt.Contains("KBD_", StringComparison.Ordinal));
        Assert.Equal(keyboard, dsdt.Contains(Encoding.Latin1.GetString([0x47, 1, 0x60, 0, 0x60, 0, 1, 1, 0x47, 1, 0x64, 0, 0x64, 0, 1, 1]), StringComparison.Ordinal));
    }

    private static Dictionary<string, byte[]> Walk(GuestMemory memory, Gpa rsdp)
    {
        byte[] root = Read(memory, rsdp.Value, 36);
        Assert.Equal("RSD PTR ", Encoding.ASCII.GetString(root, 0, 8));
        Assert.Equal(0, TableWriter.Checksum(root.AsSpan(0, 20)));
        Assert.Equal(0, TableWriter.Checksum(root));
        var tables = new Dictionary<string, byte[]>();
        byte[] xsdt = Add(memory, BinaryPrimitives.ReadUInt64LittleEndian(root.AsSpan(24)), tables);
        for (int at = 36; at < xsdt.Length; at += 8)
        {
            byte[] table = Add(memory, BinaryPrimitives.ReadUInt64LittleEndian(xsdt.AsSpan(at)), tables);
            if (Encoding.ASCII.GetString(table, 0, 4) == "FACP")
            {
                _ = Add(memory, BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(36)), tables);
                _ = Add(memory, BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(40)), tables);
            }
        }

        return tables;
    }

    private static byte[] Add(GuestMemory memory, ulong address, Dictionary<string, byte[]> tables)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(Read(memory, address + 4, 4));
        byte[] table = Read(memory, address, length);
        tables.Add(Encoding.ASCII.GetString(table, 0, 4), table);
        return table;
    }

    private static byte[] Read(GuestMemory memory, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(memory.TryRead(new Gpa(address), bytes));
        return bytes;
    }
}
