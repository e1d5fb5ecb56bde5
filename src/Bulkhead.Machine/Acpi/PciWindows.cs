using Bulkhead.Core.Memory;

namespace Bulkhead.Machine.Acpi;

/// <summary>The addresses devices on PCI may have.</summary>
/// <param name="Low">Where those below 4 GiB begin; the I/O APIC ends them.</param>
/// <param name="High">Where those far above begin.</param>
/// <param name="HighBytes">How many there are.</param>
internal readonly record struct PciWindows(uint Low, ulong High, ulong HighBytes)
{
    /// <summary>Where we place devices ourselves.</summary>
    internal static readonly PciWindows Own = new((uint)GuestMemory.HoleStart, AcpiLayout.PciMemory, AcpiLayout.PciMemoryBytes);
}
