using System.Buffers.Binary;
using Bulkhead.Host;

namespace Bulkhead.Machine.Boot;

/// <summary>The setup header of a bzImage, checked.</summary>
/// <remarks><i>Source</i>: Linux Documentation/arch/x86/boot.rst, The Real-Mode Kernel Header.</remarks>
internal sealed record LinuxSetupHeader
{
    internal const int Start = 0x1F1;
    internal const ushort OldestVersion = 0x20C;
    private const ushort XlfKernel64 = 1;
    private const int ShortestEnd = 0x264;

    /// <summary>Where the header ends in the file.</summary>
    internal required int End { get; init; }

    /// <summary>Where the protected-mode kernel begins in the file.</summary>
    internal required int KernelOffset { get; init; }

    /// <summary>How long the protected-mode kernel is.</summary>
    internal required int KernelLength { get; init; }

    /// <summary>Where the packed kernel stands in the file.</summary>
    internal required int PayloadOffset { get; init; }

    /// <summary>How long it is; 0 where the header names none that lies in the file.</summary>
    internal required int PayloadLength { get; init; }

    /// <summary>Whether it has a 64-bit entry.</summary>
    internal required bool Has64BitEntry { get; init; }

    /// <summary>The protocol version, major in the high byte.</summary>
    internal required ushort Version { get; init; }

    /// <summary>The last address the initial RAM disk may use.</summary>
    internal required uint InitrdAddressMax { get; init; }

    /// <summary>The alignment a relocated kernel keeps.</summary>
    internal required uint KernelAlignment { get; init; }

    /// <summary>Whether it may be loaded elsewhere than at <see cref="PreferredAddress"/>.</summary>
    internal required bool Relocatable { get; init; }

    /// <summary>The longest command line without its zero.</summary>
    internal required uint CommandLineSize { get; init; }

    /// <summary>Where the kernel wants to lie.</summary>
    internal required ulong PreferredAddress { get; init; }

    /// <summary>How much memory it needs from its load address on before it reads the memory map.</summary>
    internal required uint InitSize { get; init; }

    /// <summary>Reads and checks the header.</summary>
    internal static LinuxSetupHeader Parse(ReadOnlySpan<byte> image, string name)
    {
        if (image.Length < ShortestEnd)
        {
            throw KernelImage.Refuse(name, $"a Linux setup header, cut off at {image.Length:x}h");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(image[0x206..]);
        if (version < OldestVersion)
        {
            throw KernelImage.Refuse(name, $"a Linux kernel with boot protocol {version >> 8}.{version & 0xFF:d2} at 206h; from a disk, with --firmware seabios, GRUB's linux16 starts it");
        }

        int end = 0x202 + image[0x201];
        int sectors = image[Start] == 0 ? 4 : image[Start];
        int offset = (sectors + 1) * 512;
        if (end < ShortestEnd || end > image.Length || end > 0x290 || offset >= image.Length)
        {
            throw KernelImage.Refuse(name, $"a Linux setup header that ends at {end:x}h and {sectors} setup sectors in a file of {image.Length} bytes");
        }

        long length = BinaryPrimitives.ReadUInt32LittleEndian(image[0x1F4..]) * 16L;
        int rest = image.Length - offset;
        if (length == 0 || length > rest + 15L)
        {
            throw KernelImage.Refuse(name, $"a Linux kernel of {length} bytes (syssize at 1f4h) in a file that has {rest} left: the file is cut off");
        }

        uint payload = BinaryPrimitives.ReadUInt32LittleEndian(image[0x248..]);
        uint payloadLength = BinaryPrimitives.ReadUInt32LittleEndian(image[0x24C..]);
        bool hasPayload = payload + (long)payloadLength <= rest;
        return new LinuxSetupHeader
        {
            End = end,
            KernelOffset = offset,
            // What stands behind syssize (a signature, the CRC) is harmless, and old build tools round syssize down.
            KernelLength = rest,
            PayloadOffset = hasPayload ? offset + (int)payload : 0,
            PayloadLength = hasPayload ? (int)payloadLength : 0,
            Has64BitEntry = (BinaryPrimitives.ReadUInt16LittleEndian(image[0x236..]) & XlfKernel64) != 0,
            Version = version,
            InitrdAddressMax = BinaryPrimitives.ReadUInt32LittleEndian(image[0x22C..]),
            KernelAlignment = BinaryPrimitives.ReadUInt32LittleEndian(image[0x230..]),
            Relocatable = image[0x234] != 0,
            CommandLineSize = BinaryPrimitives.ReadUInt32LittleEndian(image[0x238..]),
            PreferredAddress = BinaryPrimitives.ReadUInt64LittleEndian(image[0x258..]),
            InitSize = BinaryPrimitives.ReadUInt32LittleEndian(image[0x260..]),
        };
    }
}
