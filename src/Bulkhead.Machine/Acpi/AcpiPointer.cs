namespace Bulkhead.Machine.Acpi;

/// <summary>A field of the tables that holds the address of another.</summary>
/// <param name="Offset">Where it is.</param>
/// <param name="Bytes">How long it is.</param>
internal readonly record struct AcpiPointer(uint Offset, byte Bytes);
