using System.Buffers.Binary;
using Bulkhead.Host;

namespace Bulkhead.Images.Disks;

/// <summary>GRUB for both kinds of firmware: what makes a disk start by itself.</summary>
/// <remarks>
/// <code>
/// block 0                 boot sector: knows the first block of what follows
/// BIOS boot partition     GRUB for a BIOS: its first block knows where the others are
/// EFI system partition    \EFI\BOOT\BOOTX64.EFI
/// </code>
/// <i>Source</i>: GNU GRUB 2.06, grub-core/boot/i386/pc/boot.S and diskboot.S, include/grub/i386/pc/boot.h; UEFI Specification 2.10, 3.5.1.1
/// "Removable Media Boot Behavior".
/// </remarks>
/// <param name="BootSector">The code of block 0.</param>
/// <param name="Core">GRUB for a BIOS.</param>
/// <param name="Efi">GRUB for UEFI.</param>
internal sealed record BootLoader(byte[] BootSector, byte[] Core, byte[] Efi)
{
    /// <summary>Where <see cref="Commands"/> leave the three in the system they make.</summary>
    internal const string BootSectorPath = "/boot/grub/i386-pc/boot.img";

    /// <inheritdoc cref="BootSectorPath"/>
    internal const string CorePath = "/boot/grub/i386-pc/core.img";

    /// <inheritdoc cref="BootSectorPath"/>
    internal const string EfiPath = "/boot/grub/x86_64-efi/core.efi";

    private const string FallbackPath = "EFI/BOOT/BOOTX64.EFI";
    private const int BlockBytes = PartitionTable.BlockBytes;
    private const int CodeBytes = 440; // what follows belongs to the partition table
    private const int NextBlock = 0x5C;
    private const int ListStart = 0x1F4;
    private const int ListBlocks = 0x1FC;

    // What it takes to find a file system and a kernel in it; the rest is beside it, and loaded where it is asked for.
    private const string Modules = "part_gpt part_msdos ext2 fat search_fs_uuid search configfile normal linux echo test ls minicmd all_video serial";

    /// <summary>Commands of a shell that make it where the packages are installed.</summary>
    /// <param name="rootId">The number of the file system it finds its configuration in.</param>
    /// <param name="root">Where that file system's files are.</param>
    internal static IReadOnlyList<string> Commands(Guid rootId, string root = "") =>
    [
        $"mkdir -p {root}/boot/grub",
        $"cp -r /usr/lib/grub/i386-pc /usr/lib/grub/x86_64-efi {root}/boot/grub/",
        $"printf 'search.fs_uuid {rootId} root\\nset prefix=($root)/boot/grub\\n' >{root}/boot/grub/early.cfg",
        $"grub-mkimage -O i386-pc -d /usr/lib/grub/i386-pc -p /boot/grub -c {root}/boot/grub/early.cfg -o {root}{CorePath} biosdisk {Modules}",
        $"grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi -p /boot/grub -c {root}/boot/grub/early.cfg -o {root}{EfiPath} {Modules}",
    ];

    /// <summary>Its configuration: starts the newest kernel, with the first serial port for a console.</summary>
    internal static string Configuration(Guid rootId) =>
        $$"""
        # Kernel packages keep these links.
        set timeout=1
        set default=0
        menuentry "Debian GNU/Linux" {
            search --no-floppy --fs-uuid --set=root {{rootId}}
            linux /vmlinuz root=UUID={{rootId}} ro console=tty0 console=ttyS0,115200
            initrd /initrd.img
        }

        """;

    /// <summary>Writes it to a disk that has a partition table.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="bios">The partition for a BIOS.</param>
    /// <param name="efi">The partition for UEFI.</param>
    /// <param name="number">The number of the file system that is made there.</param>
    internal void Write(Stream disk, Partition bios, Partition efi, uint number)
    {
        if (Core.Length > bios.SizeBytes || Core.Length < BlockBytes || BootSector.Length != BlockBytes)
        {
            throw new OperatorException($"GRUB's core of {Core.Length} bytes does not fit into {bios.Name} of {bios.SizeBytes} bytes.");
        }

        long first = bios.FirstBytes / BlockBytes;
        byte[] sector = BootSector[..CodeBytes];
        BinaryPrimitives.WriteInt64LittleEndian(sector.AsSpan(NextBlock), first);
        disk.Position = 0;
        disk.Write(sector);

        byte[] core = [.. Core];
        BinaryPrimitives.WriteInt64LittleEndian(core.AsSpan(ListStart), first + 1);
        BinaryPrimitives.WriteUInt16LittleEndian(core.AsSpan(ListBlocks), (ushort)((core.Length - 1) / BlockBytes));
        disk.Position = bios.FirstBytes;
        disk.Write(core);
        FatVolume.Write(disk, efi, number, FallbackPath, Efi);
    }
}
