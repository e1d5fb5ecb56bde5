using System.Buffers.Binary;

namespace Bulkhead.Machine.Tests.Boot;

/// <summary>Small kernel files with valid headers.</summary>
internal static class SyntheticKernel
{
    internal static byte[] BzImage(uint initSize = 0x20_0000)
    {
        byte[] image = new byte[(5 * 512) + 4096];
        image[0x1F1] = 4;
        Put16(image, 0x1FE, 0xAA55);
        Put32(image, 0x1F4, 4096 / 16);
        image[0x200] = 0xEB;
        image[0x201] = 0x6A;
        "HdrS"u8.CopyTo(image.AsSpan(0x202));
        Put16(image, 0x206, 0x20F);
        image[0x211] = 1;
        Put32(image, 0x22C, 0x7FFF_FFFF);
        Put32(image, 0x230, 0x20_0000);
        image[0x234] = 1;
        Put16(image, 0x236, 0x3F);
        Put32(image, 0x238, 2047);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(0x258), 0x100_0000);
        Put32(image, 0x260, initSize);
        for (int i = 0; i < 4096; i++)
        {
            image[(5 * 512) + i] = (byte)i;
        }

        return image;
    }

    /// <summary>Code that is entered at 16 MiB in flat 32-bit mode.</summary>
    internal static byte[] Pvh(ReadOnlySpan<byte> code)
    {
        byte[] image = [.. Pvh(0x100_0000), .. code];
        Program(image.AsSpan(64), 1, 0x200, 0x100_0000, (ulong)code.Length, (ulong)code.Length);
        return image;
    }

    internal static byte[] Pvh(uint entry = 0x100_0040)
    {
        byte[] image = new byte[0x200];
        "\u007fELF"u8.CopyTo(image);
        image[4] = 2;
        image[5] = 1;
        Put16(image, 18, 62);
        Put32(image, 32, 64);
        Put16(image, 54, 56);
        Put16(image, 56, 2);
        Program(image.AsSpan(64), 1, 0x100, 0x100_0000, 0x80, 0x1000);
        Program(image.AsSpan(120), 4, 0x1C0, 0, 20, 20);
        image.AsSpan(0x100, 0x80).Fill(0x90);
        Put32(image, 0x1C0, 4);
        Put32(image, 0x1C4, 4);
        Put32(image, 0x1C8, 18);
        "Xen\0"u8.CopyTo(image.AsSpan(0x1CC));
        Put32(image, 0x1D0, entry);
        return image;
    }

    internal static void Program(Span<byte> header, uint type, ulong offset, ulong address, ulong fileSize, ulong memorySize)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], fileSize);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], memorySize);
    }

    internal static void Put16(byte[] image, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at), value);

    internal static void Put32(byte[] image, int at, long value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), unchecked((uint)value));
}
