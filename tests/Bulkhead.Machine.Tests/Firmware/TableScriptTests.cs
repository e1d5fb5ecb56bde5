using System.Buffers.Binary;
using System.Text;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Firmware;
using Xunit;

namespace Bulkhead.Machine.Tests.Firmware;

/// <summary>What firmware makes of the tables by the script is what we would have built for that address.</summary>
public sealed class TableScriptTests
{
    private const int CommandBytes = 128;
    private const int NameBytes = 56;

    [Theory]
    [InlineData(0x7FFE_0000, 1, 0)]
    [InlineData(0x0BAD_C040, 64, 4)]
    public void Of_CarriedOut_GivesTheTablesOfThatAddress(uint at, int vcpus, int windows)
    {
        AcpiImage image = AcpiTables.Build(0, vcpus, windows, PciWindows.Own, keyboard: true).WithoutSums();
        AcpiImage expected = AcpiTables.Build(at, vcpus, windows, PciWindows.Own, keyboard: true);
        var files = new Dictionary<string, (byte[] Bytes, uint At)>
        {
            [TableScript.RootFile] = ([.. image.Rsdp], 0xF_1000),
            [TableScript.TablesFile] = ([.. image.Tables], at),
        };
        var allocated = new List<string>();

        byte[] script = TableScript.Of(image);

        for (int i = 0; i < script.Length; i += CommandBytes)
        {
            CarryOut(script.AsSpan(i, CommandBytes), files, allocated);
        }

        Assert.Equal([TableScript.RootFile, TableScript.TablesFile], allocated);
        Assert.Equal(expected.Tables, files[TableScript.TablesFile].Bytes);
        Assert.Equal(expected.Rsdp, files[TableScript.RootFile].Bytes);
    }

    private static void CarryOut(ReadOnlySpan<byte> command, Dictionary<string, (byte[] Bytes, uint At)> files, List<string> allocated)
    {
        string first = Name(command[4..]);
        ReadOnlySpan<byte> behind = command[(4 + NameBytes)..];
        switch (BinaryPrimitives.ReadUInt32LittleEndian(command))
        {
            case 1:
                Assert.DoesNotContain(first, allocated);
                Assert.Equal(0u, files[first].At % BinaryPrimitives.ReadUInt32LittleEndian(behind));
                allocated.Add(first);
                break;
            case 2:
                int offset = (int)BinaryPrimitives.ReadUInt32LittleEndian(behind[NameBytes..]);
                Span<byte> field = files[first].Bytes.AsSpan(offset, behind[NameBytes + 4]);
                uint address = files[Name(behind)].At;
                if (field.Length == 4)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(field, BinaryPrimitives.ReadUInt32LittleEndian(field) + address);
                }
                else
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(field, BinaryPrimitives.ReadUInt64LittleEndian(field) + address);
                }

                break;
            case 3:
                int at = (int)BinaryPrimitives.ReadUInt32LittleEndian(behind);
                int start = (int)BinaryPrimitives.ReadUInt32LittleEndian(behind[4..]);
                int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(behind[8..]);
                byte[] bytes = files[first].Bytes;
                Assert.Equal(0, bytes[at]);
                bytes[at] -= (byte)bytes.AsSpan(start, length).ToArray().Sum(static b => b);
                break;
            default:
                Assert.Fail("There is no such command.");
                break;
        }
    }

    private static string Name(ReadOnlySpan<byte> bytes) => Encoding.ASCII.GetString(bytes[..NameBytes]).TrimEnd('\0');
}
