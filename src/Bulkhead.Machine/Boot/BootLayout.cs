namespace Bulkhead.Machine.Boot;

/// <summary>Where start-up data lies in low memory: all of it in RAM the guest may reuse once it has read it.</summary>
/// <remarks>
/// <code>
/// 00400  BIOS data area (COM1 port, EBDA segment, KiB of base memory)
/// 06000  PVH start info, module list, memory map
/// 07000  Linux zero page (boot_params)
/// 08000  GDT, TSS
/// 09000  PML4, PDPT, four page directories (identity, 4 GiB in 2 MiB pages); or, for a Multiboot kernel, all it is told, in the first
///        free page from there
/// 20000  command line
/// 30000  seed of random numbers (Linux setup_data)
/// 9fc00  EBDA (reserved)
/// e0000  ACPI tables (reserved)
/// f0000  SMBIOS entry points and structures (reserved), up to 1 MiB
/// </code>
/// </remarks>
internal static class BootLayout
{
    internal const ulong BiosData = 0x400;
    internal const ulong BiosDataEnd = 0x500;
    internal const ulong StartInfo = 0x6000;
    internal const ulong StartInfoModules = 0x6100;
    internal const ulong StartInfoMap = 0x6200;
    internal const ulong ZeroPage = 0x7000;
    internal const ulong Gdt = 0x8000;
    internal const ulong PageTables = 0x9000;
    internal const ulong Multiboot = 0x9000;
    internal const ulong CommandLine = 0x2_0000;
    internal const uint CommandLineMax = 0x1_0000;
    internal const ulong RandomSeed = 0x3_0000;
    internal const ulong Ebda = 0x9_FC00;
    internal const ulong VideoHole = 0xA_0000;
    internal const ulong FirmwareStart = 0xE_0000;
    internal const ulong Smbios = 0xF_0000;
    internal const ulong FirmwareEnd = 0x10_0000;
    internal const ulong HighMemory = 0x10_0000;
}
