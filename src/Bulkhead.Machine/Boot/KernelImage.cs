using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Boot.Formats;

namespace Bulkhead.Machine.Boot;

/// <summary>Tells what a kernel file is, and starts the loader for it.</summary>
public static class KernelImage
{
    /// <summary>How many bytes of a file <see cref="IsKernel"/> looks at.</summary>
    public const int HeadBytes = 0x206;

    private const string Accepted =
        "Accepted are a Linux bzImage (\"HdrS\" at 202h, protocol 2.12 or later), a Linux vmlinux (ELF64), an ELF image with "
        + "a PVH note (type 18), and a Multiboot kernel (1badb002 in the first 8 KiB); each may be packed with gzip.";

    private static readonly (byte[] Magic, string Name)[] s_known =
    [
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz data; unpack it first"),
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd data; unpack it first"),
        ([0x04, 0x22, 0x4D, 0x18], "lz4 data; unpack it first"),
        ("BZh"u8.ToArray(), "bzip2 data; unpack it first"),
        ("QFI\u00fb"u8[..3].ToArray(), "a qcow2 disk"),
        ("070701"u8.ToArray(), "a cpio archive (an initial RAM disk?)"),
        ("KDMV"u8.ToArray(), "a VMDK disk"),
        ("!<arch>"u8.ToArray(), "an ar archive or Debian package"),
        ("MZ"u8.ToArray(), "an EFI program without a Linux setup header"),
    ];

    /// <summary>Whether a file begins as a kernel: with Linux's setup header, or as ELF.</summary>
    public static bool IsKernel(ReadOnlySpan<byte> head) => IsBzImage(head) || ElfImage.IsElf(head);

    /// <summary>The format of a kernel file that is not packed; an <see cref="OperatorException"/> says what was found otherwise.</summary>
    internal static KernelFormat Detect(ReadOnlySpan<byte> image, string name)
    {
        if (IsBzImage(image))
        {
            return KernelFormat.BzImage;
        }

        if (MultibootHeader.Find(image) is not null)
        {
            return KernelFormat.Multiboot;
        }

        if (ElfImage.IsElf(image))
        {
            return DetectElf(image, name);
        }

        foreach ((byte[] magic, string what) in s_known)
        {
            if (image.StartsWith(magic))
            {
                throw Refuse(name, $"{Hex(image, 0, magic.Length)} at offset 0 is {what}");
            }
        }

        if (image.Length >= 512 && BinaryPrimitives.ReadUInt16LittleEndian(image[0x1FE..]) == 0xAA55)
        {
            throw Refuse(name, $"55 aa at offset 1feh but {Hex(image, 0x202, 4)} at 202h: a boot sector or disk image, or a kernel older than Linux 1.3.73");
        }

        throw Refuse(name, image.Length == 0 ? "the file is empty" : $"{Hex(image, 0, 8)} at offset 0 is no known kernel format");
    }

    /// <summary>Loads the kernel into RAM and gives the state of the boot processor.</summary>
    internal static BootState Load(GuestMemory memory, BootRequest request)
    {
        if (PackedKernel.Is(request.Kernel))
        {
            request = request with { Kernel = PackedKernel.Unpack(request.Kernel, request.KernelName) };
        }

        KernelFormat format = Detect(request.Kernel, request.KernelName);
        if (format == KernelFormat.Multiboot ? !request.Initrd.IsEmpty : request.Modules.Count > 0)
        {
            throw new OperatorException(
                format == KernelFormat.Multiboot
                    ? $"{request.KernelName}: a Multiboot kernel has no initial RAM disk; give the file as a module (--module, modules)."
                    : $"{request.KernelName}: a kernel of the kind {format} takes no modules; give an initial RAM disk (--initrd, initrd).",
                2);
        }

        switch (format)
        {
            case KernelFormat.BzImage:
                return LinuxLoader.Load(memory, request);
            case KernelFormat.Multiboot when MultibootHeader.Find(request.Kernel) is { } header:
                return MultibootLoader.Load(memory, request, header);
            default:
                _ = ElfImage.TryPrograms(request.Kernel, out ElfSegment[] segments);
                return ElfImage.TryPvhEntry(request.Kernel, segments, out ulong entry)
                    ? PvhLoader.Load(memory, request, segments, entry)
                    : VmlinuxLoader.Load(memory, request, segments);
        }
    }

    /// <summary>An error that says what was found and what is accepted.</summary>
    internal static OperatorException Refuse(string name, string found) => new($"{name}: {found}. {Accepted}", 2);

    private static bool IsBzImage(ReadOnlySpan<byte> image) => image.Length >= HeadBytes && image.Slice(0x202, 4).SequenceEqual("HdrS"u8);

    private static KernelFormat DetectElf(ReadOnlySpan<byte> image, string name)
    {
        if (ElfImage.Refusal(image) is { } refusal)
        {
            throw Refuse(name, refusal);
        }

        _ = ElfImage.TryPrograms(image, out ElfSegment[] segments);
        return ElfImage.TryPvhEntry(image, segments, out _) ? KernelFormat.Pvh
            : VmlinuxLoader.Is(image, segments) ? KernelFormat.Vmlinux
            : throw Refuse(
                name,
                $"an ELF file of {(ElfImage.Is64(image) ? 64 : 32)} bits with {segments.Length} program headers, but without a PVH note or a Multiboot header, and not linked as Linux is");
    }

    private static string Hex(ReadOnlySpan<byte> image, int offset, int length)
    {
        if (offset >= image.Length)
        {
            return "nothing";
        }

        ReadOnlySpan<byte> bytes = image.Slice(offset, Math.Min(length, image.Length - offset));
        return string.Join(' ', bytes.ToArray().Select(static b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
    }
}
