using System.Buffers.Binary;
using Bulkhead.Machine.Tests.Boot;

namespace Bulkhead.Cli.Tests;

/// <summary>A guest of a few bytes that writes to its disk, which is one in a register window.</summary>
/// <remarks>It prints "A", waits for something to be typed, has the disk write a sector twice, prints "B", and writes 10 to the debug exit.</remarks>
internal static class DiskGuest
{
    private const uint Code = 0x100_0000; // where the kernel is loaded
    private const uint Window = 0xFED8_0000;
    private const uint Descriptors = 0x200_0000, Available = Descriptors + 0x1000, Used = Descriptors + 0x2000, Header = Descriptors + 0x3000;

    /// <summary>The kernel's file.</summary>
    internal static byte[] Kernel()
    {
        byte[] code =
        [
            0xFC, 0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'A', 0xEE, 0xB0, (byte)'\n', 0xEE,
            0x66, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xFB, 0x66, 0xBA, 0xF8, 0x03, 0xEC, // until a byte comes
            0xBE, 0, 0, 0, 0, // ESI: the table behind the code
            0xAD, 0x85, 0xC0, 0x74, 0x07, 0x89, 0xC7, 0xAD, 0x89, 0x07, 0xEB, 0xF4, // address and value, to an address that is 0
            0x66, 0x81, 0x3D, .. Bytes(Used + 2), 2, 0, 0xF3, 0x90, 0x75, 0xF3, // until both were answered
            0x66, 0xBA, 0xF8, 0x03, 0xB0, (byte)'B', 0xEE, 0xB0, (byte)'\n', 0xEE, 0x66, 0xBA, 0xF4, 0x00, 0xEE, 0xF3, 0x90, 0xEB, 0xFC,
        ];
        Bytes(Code + (uint)code.Length).CopyTo(code, Array.IndexOf(code, (byte)0xBE) + 1);
        (uint Address, uint Value)[] stores =
        [
            (Window + 0x70, 0), (Window + 0x70, 1), (Window + 0x70, 3), // status: reset, acknowledge, driver
            (Window + 0x24, 1), (Window + 0x20, 1), (Window + 0x24, 0), (Window + 0x20, 1 << 9), // VIRTIO_F_VERSION_1, VIRTIO_BLK_F_FLUSH
            (Window + 0x70, 0xB), (Window + 0x30, 0), (Window + 0x38, 8),
            (Window + 0x80, Descriptors), (Window + 0x90, Available), (Window + 0xA0, Used), (Window + 0x44, 1), (Window + 0x70, 0xF),
            (Header, 1), (Header + 8, 16), // write, to sector 16
            .. Descriptor(0, Header, 16, flags: 1), .. Descriptor(1, Header + 0x200, 512, flags: 1), .. Descriptor(2, Header + 0x100, 1, flags: 2),
            (Available, 2 << 16), (Window + 0x50, 0),
        ];
        return SyntheticKernel.Pvh([.. code, .. stores.SelectMany(static s => (byte[])[.. Bytes(s.Address), .. Bytes(s.Value)]), 0, 0, 0, 0]);
    }

    private static (uint Address, uint Value)[] Descriptor(uint number, uint address, uint length, uint flags)
    {
        uint at = Descriptors + (16 * number);
        return [(at, address), (at + 8, length), (at + 12, flags | (number + 1) << 16)];
    }

    private static byte[] Bytes(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
