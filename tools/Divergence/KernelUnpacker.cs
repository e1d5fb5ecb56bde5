using System.Buffers.Binary;

namespace Bulkhead.Tools.Divergence;

/// <summary>Takes the uncompressed kernel out of a bzImage, so that both sides enter it at the same place.</summary>
/// <remarks><i>Source</i>: Linux, Documentation/x86/boot.rst, payload_offset and payload_length.</remarks>
internal static class KernelUnpacker
{
    private const int SetupSectors = 0x1F1;
    private const int Signature = 0x202;
    private const int PayloadOffset = 0x248;
    private const int PayloadLength = 0x24C;

    /// <summary>Writes the kernel to <paramref name="output"/>.</summary>
    internal static void Unpack(string kernel, string output, string folder)
    {
        byte[] image = File.ReadAllBytes(kernel);
        if (image.AsSpan().StartsWith("\u007fELF"u8))
        {
            File.WriteAllBytes(output, image);
            return;
        }

        if (image.Length < 0x1000 || !image.AsSpan(Signature).StartsWith("HdrS"u8))
        {
            throw new InvalidDataException($"{kernel} is neither a bzImage nor an ELF file.");
        }

        int sectors = image[SetupSectors] == 0 ? 4 : image[SetupSectors];
        int start = ((sectors + 1) * 512) + BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(PayloadOffset));
        int length = BinaryPrimitives.ReadInt32LittleEndian(image.AsSpan(PayloadLength));

        // The kernel's build appends the unpacked size to the payload, which not every program takes.
        ReadOnlySpan<byte> payload = image.AsSpan(start, length - sizeof(uint));
        (string program, string package) = payload switch
        {
            [0x02, 0x21, 0x4C, 0x18, ..] => ("lz4", "lz4"),
            [0xFD, 0x37, 0x7A, 0x58, ..] => ("xz", "xz-utils"),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => ("zstd", "zstd"),
            [0x1F, 0x8B, ..] => ("gzip", "gzip"),
            _ => throw new InvalidDataException($"{kernel} is compressed in a way not known here; unpack it and give the result as --kernel."),
        };
        string packed = Path.Combine(folder, "packed");
        File.WriteAllBytes(packed, payload);
        using FileStream unpacked = File.Create(output);
        Command.Run(Command.Need(program, package), ["-dc", packed], unpacked);
        File.Delete(packed);
    }
}
