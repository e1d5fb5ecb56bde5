namespace Bulkhead.Machine.Acpi;

/// <summary>All tables as they stand in memory, and what is to be changed in them where they come to stand elsewhere.</summary>
/// <param name="Rsdp">The root pointer.</param>
/// <param name="Tables">The tables, one behind the other.</param>
/// <param name="Pointers">The addresses in them.</param>
/// <param name="Summed">Offset and length of those in which there are addresses.</param>
internal sealed record AcpiImage(byte[] Rsdp, byte[] Tables, IReadOnlyList<AcpiPointer> Pointers, IReadOnlyList<(uint Offset, uint Length)> Summed)
{
    /// <summary>The same with zeros for the sums that whoever changes addresses has to write.</summary>
    internal AcpiImage WithoutSums()
    {
        AcpiImage bare = this with { Rsdp = [.. Rsdp], Tables = [.. Tables] };
        foreach ((uint offset, _) in Summed)
        {
            bare.Tables[offset + AcpiTables.SumOffset] = 0;
        }

        foreach ((_, uint at) in AcpiTables.RootSums)
        {
            bare.Rsdp[at] = 0;
        }

        return bare;
    }
}
