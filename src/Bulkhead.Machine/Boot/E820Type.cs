namespace Bulkhead.Machine.Boot;

/// <summary>What a range of physical addresses is.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 15.1 INT 15H, E820H.</remarks>
internal enum E820Type : uint
{
    /// <summary>RAM the guest may use.</summary>
    Ram = 1,

    /// <summary>Not to be used.</summary>
    Reserved = 2,
}
