using System.Buffers.Binary;

namespace Bulkhead.Machine.Tests.Boot;

/// <summary>Small Multiboot kernels.</summary>
internal static class SyntheticMultiboot
{
    /// <summary>Where its code begins in the file.</summary>
    internal const int Code = 0x100;

    /// <summary>Where its header stands.</summary>
    internal const int HeaderAt = 0x80;

    private const ulong KernelMap = 0xFFFF_FFFF_8000_0000;

    /// <summary>A Multiboot kernel whose code follows its header.</summary>
    /// <param name="shape">What kind of file.</param>
    /// <param name="address">Where its first byte wants to lie.</param>
    /// <param name="code">The code, for the address behind <see cref="Code"/>.</param>
    /// <param name="flags">What it asks for.</param>
    internal static byte[] Make(MultibootShape shape, uint address, ReadOnlySpan<byte> code, uint flags = 3)
    {
        byte[] image = [.. new byte[Code], .. code];
        uint end = address + (uint)image.Length;
        uint bss = end + 0x1000;
        flags |= shape == MultibootShape.Addresses ? 1u << 16 : 0;
        SyntheticKernel.Put32(image, HeaderAt, 0x1BAD_B002);
        SyntheticKernel.Put32(image, HeaderAt + 4, flags);
        SyntheticKernel.Put32(image, HeaderAt + 8, 0L - 0x1BAD_B002 - flags);
        switch (shape)
        {
            case MultibootShape.Addresses:
                SyntheticKernel.Put32(image, HeaderAt + 12, address + HeaderAt);
                SyntheticKernel.Put32(image, HeaderAt + 16, address);
                SyntheticKernel.Put32(image, HeaderAt + 20, end);
                SyntheticKernel.Put32(image, HeaderAt + 24, bss);
                SyntheticKernel.Put32(image, HeaderAt + 28, address + Code);
                break;
            case MultibootShape.Elf32:
                "\u007fELF\u0001\u0001"u8.CopyTo(image);
                SyntheticKernel.Put16(image, 18, 3);
                SyntheticKernel.Put32(image, 24, address + Code);
                SyntheticKernel.Put32(image, 28, 64);
                SyntheticKernel.Put16(image, 42, 32);
                SyntheticKernel.Put16(image, 44, 1);
                foreach ((int at, uint value) in ((int, uint)[])[(0, 1), (8, address), (12, address), (16, (uint)image.Length), (20, bss - address)])
                {
                    SyntheticKernel.Put32(image, 64 + at, value);
                }

                break;
            default:
                // Linked high, loaded low, and entered by its linked address.
                "\u007fELF\u0002\u0001"u8.CopyTo(image);
                SyntheticKernel.Put16(image, 18, 62);
                BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(24), KernelMap + address + Code);
                SyntheticKernel.Put32(image, 32, 64);
                SyntheticKernel.Put16(image, 54, 56);
                SyntheticKernel.Put16(image, 56, 1);
                SyntheticKernel.Program(image.AsSpan(64), 1, 0, address, (ulong)image.Length, bss - address);
                BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(64 + 16), KernelMap + address);
                break;
        }

        return image;
    }
}
