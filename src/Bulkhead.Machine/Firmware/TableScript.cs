using System.Text;
using Bulkhead.Machine.Acpi;

namespace Bulkhead.Machine.Firmware;

/// <summary>Tells firmware how to put the ACPI tables into memory: what to allocate, which addresses to add, which sums to correct.</summary>
/// <remarks>
/// Commands of 128 bytes, little-endian, with names of 56:
/// <code>
/// 1 allocate  name, alignment (4), zone (1: 1 high, 2 below 1 MiB)
/// 2 pointer   name of where, name of whose address, offset (4), size (1)
/// 3 sum       name, offset of the sum (4), start (4), length (4)
/// </code>
/// Where a sum goes is zero before: SeaBIOS takes the sum off what is there, OVMF writes over it.
/// <i>Source</i>: QEMU, hw/acpi/bios-linker-loader.c, the comment on BiosLinkerLoaderEntry.
/// </remarks>
internal sealed class TableScript
{
    /// <summary>The name of the root pointer's file.</summary>
    internal const string RootFile = "etc/acpi/rsdp";

    /// <summary>The name of the tables' file.</summary>
    internal const string TablesFile = "etc/acpi/tables";

    private const int CommandBytes = 128;
    private const int NameBytes = 56;
    private const uint Allocate = 1;
    private const uint AddPointer = 2;
    private const uint AddSum = 3;
    private const byte High = 1;
    private const byte BelowOneMiB = 2;

    private readonly TableWriter _commands = new();

    private TableScript()
    {
    }

    /// <summary>The script for tables that were built for address 0, without sums.</summary>
    internal static byte[] Of(AcpiImage image)
    {
        var script = new TableScript();
        script.Add(Allocate, Name(RootFile).U32(16).U8(BelowOneMiB));
        script.Add(Allocate, Name(TablesFile).U32(64).U8(High));
        foreach (AcpiPointer pointer in image.Pointers)
        {
            script.Add(AddPointer, Name(TablesFile, TablesFile).U32(pointer.Offset).U8(pointer.Bytes));
        }

        script.Add(AddPointer, Name(RootFile, TablesFile).U32(AcpiTables.RootToList.Offset).U8(AcpiTables.RootToList.Bytes));
        foreach ((uint offset, uint length) in image.Summed)
        {
            script.Add(AddSum, Name(TablesFile).U32(offset + AcpiTables.SumOffset).U32(offset).U32(length));
        }

        foreach ((uint length, uint at) in AcpiTables.RootSums)
        {
            script.Add(AddSum, Name(RootFile).U32(at).U32(0).U32(length));
        }

        return script._commands.ToArray();
    }

    private static TableWriter Name(params ReadOnlySpan<string> names)
    {
        var writer = new TableWriter();
        foreach (string name in names)
        {
            _ = writer.Bytes(Encoding.ASCII.GetBytes(name)).Zeros(NameBytes - name.Length);
        }

        return writer;
    }

    private void Add(uint command, TableWriter arguments) =>
        _commands.U32(command).Bytes(arguments.ToArray()).Zeros(CommandBytes - sizeof(uint) - arguments.Length);
}
