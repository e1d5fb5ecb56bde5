namespace Bulkhead.Images.Disks;

/// <summary>Where things lie on a disk we make: as on Debian's own cloud images, room for both kinds of boot loader, then the root file system.</summary>
/// <remarks>
/// <code>
/// 0        1 MiB           4 MiB           128 MiB                 1 MiB before the end
/// | table  | 14 BIOS boot  | 15 EFI system | 1 root                | table again |
/// </code>
/// <i>Source</i>: UAPI Group, Discoverable Partitions Specification, "Defined Partition Type UUIDs"; GNU GRUB Manual 2.06, 3.4 "BIOS installation".
/// </remarks>
internal static class DiskLayout
{
    private const long MiB = 1 << 20;
    private const long RootFirstBytes = 128 * MiB;

    private static readonly Guid s_root = new("4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
    private static readonly Guid s_biosBoot = new("21686148-6449-6e6f-744e-656564454649");
    private static readonly Guid s_efiSystem = new("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");

    /// <summary>The root file system's partition of a disk of this size.</summary>
    internal static Partition Root(long diskBytes) => new(1, "root", s_root, RootFirstBytes, (diskBytes / MiB * MiB) - MiB - RootFirstBytes);

    /// <summary>The partition for GRUB for a BIOS.</summary>
    internal static Partition BiosBoot { get; } = new(14, "BIOS boot", s_biosBoot, MiB, 3 * MiB);

    /// <summary>The partition for boot loaders for UEFI.</summary>
    internal static Partition EfiSystem { get; } = new(15, "EFI system", s_efiSystem, 4 * MiB, 124 * MiB);

    /// <summary>All partitions of a disk of this size.</summary>
    internal static IReadOnlyList<Partition> Partitions(long diskBytes) => [Root(diskBytes), BiosBoot, EfiSystem];
}
