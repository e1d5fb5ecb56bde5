using System.Buffers.Binary;

namespace Bulkhead.Machine.Boot.Formats;

/// <summary>What a kernel says of itself in its Multiboot header.</summary>
/// <param name="Offset">Where it stands in the file.</param>
/// <param name="Flags">What the kernel asks for.</param>
/// <param name="HeaderAddress">Where it wants the header to lie; this and what follows with <see cref="HasAddresses"/> only.</param>
/// <param name="LoadAddress">Where what is loaded begins.</param>
/// <param name="LoadEnd">Where it ends; 0: with the file.</param>
/// <param name="BssEnd">Where the zeros behind it end; 0: there are none.</param>
/// <param name="Entry">Where it is entered.</param>
/// <remarks><i>Source</i>: Multiboot Specification 0.6.96, 3.1 OS image format.</remarks>
internal sealed record MultibootHeader(int Offset, uint Flags, uint HeaderAddress, uint LoadAddress, uint LoadEnd, uint BssEnd, uint Entry)
{
    /// <summary>Of the first bytes of the file, so many may hold the header.</summary>
    internal const int SearchedBytes = 8192;

    private const uint Magic = 0x1BAD_B002;
    private const uint PageAligned = 1;
    private const uint MemoryMap = 2;
    private const uint VideoMode = 4;
    private const uint Addresses = 1 << 16;
    private const uint Required = 0xFFFF;
    private const int ShortBytes = 12;
    private const int AddressBytes = 32;

    /// <summary>Whether the address fields count, whatever else the file is.</summary>
    internal bool HasAddresses => (Flags & Addresses) != 0;

    /// <summary>What the kernel cannot do without and no boot loader of this version knows.</summary>
    internal uint Unknown => Flags & Required & ~(PageAligned | MemoryMap | VideoMode);

    /// <summary>Looks for a header, by its magic number and its checksum.</summary>
    internal static MultibootHeader? Find(ReadOnlySpan<byte> image)
    {
        ReadOnlySpan<byte> searched = image[..Math.Min(image.Length, SearchedBytes)];
        for (int at = 0; at + ShortBytes <= searched.Length; at += sizeof(uint))
        {
            if (Word(searched, at) == Magic && unchecked(Magic + Word(searched, at + 4) + Word(searched, at + 8)) == 0)
            {
                uint flags = Word(searched, at + 4);
                return (flags & Addresses) == 0 || at + AddressBytes > searched.Length
                    ? new MultibootHeader(at, flags & ~Addresses, 0, 0, 0, 0, 0)
                    : new MultibootHeader(
                        at, flags, Word(searched, at + 12), Word(searched, at + 16), Word(searched, at + 20), Word(searched, at + 24), Word(searched, at + 28));
            }
        }

        return null;
    }

    private static uint Word(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image[at..]);
}
